"""Small mails written for these tests; none of them is in the corpus."""

from triage import MailText


def mail(
    own: str, *, subject: str = "", name: str = "", email: str = "melder@voorbeeld.example", quoted: str = ""
) -> MailText:
    return MailText(subject, name, email, own, quoted)


DUTCH = mail(
    """Geachte integriteitscoördinator,

Op 12 maart vroeg de heer Diederik Stokvis, hoofd visumzaken op de ambassade in Nairobi, mij 400 dollar contant om mijn
aanvraag bovenop de stapel te leggen. Toen ik weigerde zei hij dat het dossier dan zoek kon raken. Mijn collega Wambui
Njoroge stond erbij en heeft alles gehoord. Een week later kreeg zij dezelfde vraag, nu was het 300 dollar.

Met vriendelijke groet,

Hendrika Postmaat
Zandkuilweg 14, 7431 CK Diepenveen
06 - 21 43 65 87
""",
    subject="Betaling aan de balie",
    name="Hendrika Postmaat",
)
ENGLISH = mail(
    """Dear Sir or Madam,

I run a small school and we receive a grant through your embassy in Kampala. The programme officer, Mr. Lucas Verbeeten,
put his hand on my thigh during the site visit on 4 May and asked me to come to his hotel room "to discuss the renewal".
When I pulled away he laughed and said that renewals are not automatic.

Kind regards,
Florence Achieng
Plot 22, Kira Road, Kampala
+256 772 555 014
""",
    subject="Site visit of 4 May",
    name="Florence Achieng",
)
FRENCH = mail(
    """Bonjour,

Depuis septembre, Mme Ineke Brouwers, cheffe du service consulaire à Dakar, m'appelle « la fille de la brousse » devant
les collègues. Elle dit que les gens comme moi, noirs, ne devraient pas tenir la caisse. Tout le monde rit.

Cordialement,
Aminata Diop
+221 77 555 43 21
""",
    subject="Ce que je vis au guichet",
    name="Aminata Diop",
)
GERMAN = mail(
    """Sehr geehrte Damen und Herren,

der Kulturattaché Ihrer Botschaft in Berlin, Herr Joost Kamerling, hat unseren Förderantrag an seinen Schwager
weitergegeben, der damit selbst einen Antrag gestellt und das Geld bekommen hat. Ich habe beide Texte
nebeneinander gelegt.

Mit freundlichen Grüßen
Ulrike Sandmann
Lindenallee 8, 14050 Berlin
030 555 21 987
""",
    subject="Unser Antrag",
    name="Ulrike Sandmann",
)
ALL = (DUTCH, ENGLISH, FRENCH, GERMAN)
