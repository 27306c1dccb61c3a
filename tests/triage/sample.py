"""Forty mails in the shapes that real ones have, written by hand for the tests; none of them is in the corpus.

What each says is labelled as in the corpus, as far as a test asks for it.
"""

from dataclasses import dataclass

from config.taxonomy import Category, Kind
from tests.triage.mails import mail
from triage import MailText


@dataclass(frozen=True)
class Sample:
    """A mail, its shape and language, and what a careful reader finds in it. `categories`: any of these is right."""

    shape: str
    language: str
    mail: MailText
    kind: Kind
    categories: tuple[Category, ...] = ()
    concerned: tuple[tuple[str | None, str | None], ...] = ()
    phone: str | None = None
    address: str | None = None

    def __str__(self) -> str:
        return f"{self.shape} {self.language}"


SAMPLES = (
    Sample(
        "fax",
        "nl",
        mail(
            """FAXBERICHT
Aan:      Integriteitscoördinator
Van:      Transportbedrijf Oldenkamp, t.a.v. G. Oldenkamp
Datum:    3 april
Blz.:     1 van 1

Geachte heer, mevrouw,

Uw wagenparkbeheerder Sietse Borgman laat ons voor elke rit een tweede rekening maken, met dertig procent erop.
Het verschil moet ik hem contant geven op de parkeerplaats. Dat gaat nu een half jaar zo en ik doe er niet meer
aan mee.

G. Oldenkamp
Industrieweg 8, 9403 AB Assen
tel. 0592-55 18 76   fax 0592-55 18 77
""",
            subject="Fax ontvangen van 0592551877",
            name="Faxserver",
        ),
        Kind.MELDING,
        (Category.STRAFBAAR_FEIT,),
        concerned=(("Sietse Borgman", "wagenparkbeheerder"),),
        phone="0592-55 18 76",
        address="Industrieweg 8, 9403 AB Assen",
    ),
    Sample(
        "fax",
        "en",
        mail(
            """TELEFAX
TO: Integrity Desk, Ministry of Foreign Affairs, The Hague
FROM: Rose Nakimuli, Nakimuli Catering Services
PAGES: 1

Dear Sirs,
The events officer at your embassy, Mr Bastiaan Hofland, asks us to put his birthday dinner and his holiday
flights on the invoices for receptions. I refused in June and since then he has given all orders to the company
of his wife.

Rose Nakimuli
Plot 12, Bukoto Street, Kampala
Tel: +256 772 555 803
""",
            subject="FAX 2 PAGES",
            name="",
        ),
        Kind.MELDING,
        (
            Category.STRAFBAAR_FEIT,
            Category.BELANGENVERSTRENGELING,
        ),
        concerned=(("Bastiaan Hofland", "events officer"),),
        phone="+256 772 555 803",
        address="Plot 12, Bukoto Street, Kampala",
    ),
    Sample(
        "fax",
        "fr",
        mail(
            """TÉLÉCOPIE
À : Coordinateur intégrité
De : Issa Traoré
Pages : 1

Monsieur, Madame,
L'agent consulaire Maarten Vlieger m'a demandé 150 000 francs en liquide pour enregistrer mon dossier de visa.
J'ai payé.
Il ne m'a donné aucun reçu et le dossier n'a pas bougé.

Issa Traoré
+223 76 55 50 81
""",
            subject="Télécopie",
            name="Fax",
        ),
        Kind.MELDING,
        (Category.STRAFBAAR_FEIT,),
        concerned=(("Maarten Vlieger", "agent consulaire"),),
        phone="+223 76 55 50 81",
    ),
    Sample(
        "fax",
        "es",
        mail(
            """FAX
Para: Coordinación de integridad
De: Imprenta Solano
Páginas: 1

Muy señores míos:
El administrador de la embajada, Joris Peerdeman, nos hizo firmar un recibo por cien mil pesos y solo pagó
sesenta mil.
Dijo que la diferencia era "para la casa". Tengo copia de los dos papeles.

Matías Solano, +54 11 5555 0732
""",
            subject="Fax recibido",
            name="",
        ),
        Kind.MELDING,
        (Category.STRAFBAAR_FEIT,),
        concerned=(("Joris Peerdeman", "administrador"),),
        phone="+54 11 5555 0732",
    ),
    Sample(
        "web form",
        "nl",
        mail(
            """Uw naam: Marjan Terwisscha
Uw e-mailadres: marjan@mailvoorbeeld.example
Uw telefoonnummer: 06 18 55 07 92
Uw adres: Kerklaan 27, 8431 AC Oosterwolde
Naam van de betrokken medewerker: Roelof Hamming
Functie van de betrokken medewerker: hoofd interne dienst
Omschrijving: Hij loopt steeds achter mij aan naar het archief en legt dan zijn handen op mijn heupen. Ik heb
twee keer gezegd dat ik dat niet wil. Vorige week heeft hij mij in de lift geprobeerd te zoenen.
""",
            subject="Nieuw bericht via de website",
            name="Website",
        ),
        Kind.MELDING,
        (Category.OVERSCHRIJDEND_GEDRAG,),
        concerned=(("Roelof Hamming", "hoofd interne dienst"),),
        phone="06 18 55 07 92",
        address="Kerklaan 27, 8431 AC Oosterwolde",
    ),
    Sample(
        "web form",
        "en",
        mail(
            """Your name: Daniel Okonjo
E-mail: daniel@mailvoorbeeld.example
Phone: +234 803 555 0147
Address: 14 Bourdillon Road, Lagos
Name of the person concerned: Karel Wiersema
Function: visa officer
What happened: He told my sister in front of everybody that "people of your tribe only come to beg", and tore
her form.
Two Europeans behind her were helped with a smile.
""",
            subject="Contact form submission",
            name="noreply",
        ),
        Kind.MELDING,
        (Category.DISCRIMINATIE,),
        concerned=(("Karel Wiersema", "visa officer"),),
        phone="+234 803 555 0147",
        address="14 Bourdillon Road, Lagos",
    ),
    Sample(
        "web form",
        "fr",
        mail(
            """Votre nom : Clarisse Ngoma
Téléphone : +242 06 555 01 28
Nom de la personne concernée : Dirk Hoekman
Fonction : chef de la sécurité
Description : Il a menacé de me casser le bras si je parlais encore des heures supplémentaires au syndicat. Il
l'a dit devant deux gardiens, mardi, à la barrière.
""",
            subject="Formulaire de contact",
            name="Site internet",
        ),
        Kind.MELDING,
        (Category.INTIMIDATIE,),
        concerned=(("Dirk Hoekman", "chef de la sécurité"),),
        phone="+242 06 555 01 28",
    ),
    Sample(
        "web form",
        "es",
        mail(
            """Su nombre: Lucía Benavides
Teléfono: +51 944 555 061
Nombre de la persona: Arnoud Zijlmans
Cargo: agregado comercial
Qué pasó: Pasó a la empresa de su cuñado los precios que presentamos en sobre cerrado. Ganaron por un sol de
diferencia y él mismo firmó el contrato.
""",
            subject="Formulario web",
            name="web",
        ),
        Kind.MELDING,
        (
            Category.BELANGENVERSTRENGELING,
            Category.INFORMATIEMISBRUIK,
        ),
        concerned=(("Arnoud Zijlmans", "agregado comercial"),),
        phone="+51 944 555 061",
    ),
    Sample(
        "capitals",
        "nl",
        mail(
            """GEACHTE HEER/MEVROUW,

DE CHAUFFEUR VAN DE RESIDENTIE, HENK ROTTEVEEL, HEEFT MIJ GISTEREN MET EEN MES BEDREIGD OMDAT IK HEM BETRAPTE
TOEN HIJ
DIESEL UIT DE DIENSTAUTO HAALDE. HIJ ZEI DAT IK DE VOLGENDE WAS.

W. KROESE
DORPSSTRAAT 112, 4245 KN LEERBROEK
0345 55 51 09
""",
            subject="DRINGEND",
            name="W. Kroese",
        ),
        Kind.MELDING,
        (
            Category.INTIMIDATIE,
            Category.STRAFBAAR_FEIT,
        ),
        concerned=(("HENK ROTTEVEEL", "CHAUFFEUR"),),
        phone="0345 55 51 09",
        address="DORPSSTRAAT 112, 4245 KN LEERBROEK",
    ),
    Sample(
        "capitals",
        "en",
        mail(
            """DEAR SIR,

THE RECEPTIONIST OF YOUR CONSULATE, MISS PAULA VERKADE, SHOUTS AT THE CLEANERS EVERY MORNING, CALLS US MONKEYS
AND THROWS
THE DIRTY CLOTHS AT US. SHE DOES THIS SINCE JANUARY AND NOBODY STOPS HER.

GRACE ADEYEMI, CLEANER
+27 71 555 0190
""",
            subject="COMPLAINT ABOUT STAFF",
            name="GRACE ADEYEMI",
        ),
        Kind.MELDING,
        (
            Category.DISCRIMINATIE,
            Category.PESTEN,
            Category.INTIMIDATIE,
        ),
        concerned=(("PAULA VERKADE", "RECEPTIONIST"),),
        phone="+27 71 555 0190",
    ),
    Sample(
        "capitals",
        "fr",
        mail(
            """MADAME, MONSIEUR,

LE RESPONSABLE DES ACHATS, PIETER LANGEREIS, EXIGE DIX POUR CENT SUR CHAQUE FACTURE. SI ON NE PAIE PAS, LE
CONTRAT VA À UN
AUTRE. J'AI DÉJÀ PAYÉ TROIS FOIS.

J. MBEKI
+237 6 55 50 12 34
""",
            subject="URGENT",
            name="J. MBEKI",
        ),
        Kind.MELDING,
        (Category.STRAFBAAR_FEIT,),
        concerned=(("PIETER LANGEREIS", "RESPONSABLE DES ACHATS"),),
        phone="+237 6 55 50 12 34",
    ),
    Sample(
        "capitals",
        "de",
        mail(
            """SEHR GEEHRTE DAMEN UND HERREN,

DER HAUSMEISTER DER BOTSCHAFT, WIM TERLAAK, NIMMT SEIT MONATEN WEIN UND WERKZEUG AUS DEM LAGER MIT NACH HAUSE
UND VERKAUFT
ALLES AUF DEM FLOHMARKT. ICH HABE ES DREIMAL GESEHEN.

H. BRANDNER
GARTENWEG 5, 10781 BERLIN
030 555 08 142
""",
            subject="MELDUNG",
            name="H. BRANDNER",
        ),
        Kind.MELDING,
        (Category.STRAFBAAR_FEIT,),
        concerned=(("WIM TERLAAK", "HAUSMEISTER"),),
        phone="030 555 08 142",
        address="GARTENWEG 5, 10781 BERLIN",
    ),
    Sample(
        "forwarded chain",
        "nl",
        mail(
            """Goedemiddag,

Ik stuur u door wat mijn dochter van haar leidinggevende kreeg. Zij durft zelf niet te schrijven. Ik wil dat
hier iets mee gebeurt.

Tineke Spoelder
06 29 55 81 40
""",
            subject="Fwd: Fwd: je contract",
            name="Tineke Spoelder",
            quoted="""Van: Anouk
Aan: mama
Onderwerp: Fwd: je contract

zie hieronder, wat moet ik nu

Van: Jelle Boonstoppel
Aan: Anouk
Onderwerp: je contract

Anouk, je weet dat ik bepaal of jij verlengd wordt. Als je vrijdag weer niet mee gaat eten, dan is het voor mij
klaar en vertel ik overal dat je steelt.

Jelle Boonstoppel
teamleider visa
""",
        ),
        Kind.MELDING,
        (
            Category.MACHTSMISBRUIK,
            Category.INTIMIDATIE,
            Category.OVERSCHRIJDEND_GEDRAG,
        ),
        concerned=(("Jelle Boonstoppel", "teamleider visa"),),
        phone="06 29 55 81 40",
    ),
    Sample(
        "forwarded chain",
        "en",
        mail(
            """To whom it may concern,

See below what your procurement officer wrote to our competitor; they sent it to me by mistake. He gives them
our prices.

Samuel Tetteh
+233 24 555 0163
""",
            subject="FW: RE: our tender",
            name="Samuel Tetteh",
            quoted="""From: Lourens Bakhuys
To: info@competitor.example
Subject: RE: our tender

Kofi, the others are at 84,300. Stay just under it and it is yours. You know my account number.

Lourens Bakhuys
Procurement officer
""",
        ),
        Kind.MELDING,
        (
            Category.INFORMATIEMISBRUIK,
            Category.STRAFBAAR_FEIT,
        ),
        concerned=(("Lourens Bakhuys", "procurement officer"),),
        phone="+233 24 555 0163",
    ),
    Sample(
        "forwarded chain",
        "fr",
        mail(
            """Bonjour,

Je vous transfère le message que j'ai reçu hier. Je ne veux pas coucher avec cet homme pour que mon association
soit payée.

Awa Sarr
+221 77 555 09 44
""",
            subject="TR: votre subvention",
            name="Awa Sarr",
            quoted="""De : Huib Castelein
À : Awa Sarr
Objet : votre subvention

Chère Awa, tout dépend de moi. Venez seule à l'hôtel samedi et votre dossier sera signé lundi.

Huib Castelein
conseiller politique
""",
        ),
        Kind.MELDING,
        (
            Category.OVERSCHRIJDEND_GEDRAG,
            Category.MACHTSMISBRUIK,
        ),
        concerned=(("Huib Castelein", "conseiller politique"),),
        phone="+221 77 555 09 44",
    ),
    Sample(
        "forwarded chain",
        "es",
        mail(
            """Buenos días:

Les reenvío el correo que la asistente consular mandó a medio mundo: son los nombres y las enfermedades de los
que pidieron visa. El mío también está.

Rubén Ocampo
+57 310 555 0187
""",
            subject="RV: lista",
            name="Rubén Ocampo",
            quoted="""De: Fleur Dekhuijzen
Para: amigas
Asunto: lista

Miren a estos, jaja. No se lo digan a nadie.

Fleur Dekhuijzen
asistente consular
""",
        ),
        Kind.MELDING,
        (Category.INFORMATIEMISBRUIK,),
        concerned=(("Fleur Dekhuijzen", "asistente consular"),),
        phone="+57 310 555 0187",
    ),
    Sample(
        "short first report",
        "nl",
        mail(
            """Jullie baliemedewerker Ton Verhaak vroeg vanmorgen 50 euro om mijn paspoort sneller te maken. Ik heb
het niet gegeven.
""",
            subject="melding",
            name="Kees",
        ),
        Kind.MELDING,
        (Category.STRAFBAAR_FEIT,),
        concerned=(("Ton Verhaak", "baliemedewerker"),),
    ),
    Sample(
        "short first report",
        "en",
        mail(
            """Your guard Erwin Scholte grabbed me by the throat at the gate last night and said he would finish
me. I have a photo of my neck.
""",
            subject="your guard",
            name="",
        ),
        Kind.MELDING,
        (
            Category.INTIMIDATIE,
            Category.STRAFBAAR_FEIT,
        ),
        concerned=(("Erwin Scholte", "guard"),),
    ),
    Sample(
        "short first report",
        "fr",
        mail(
            """Votre attaché culturel, Rutger Plas, m'a touché les seins à la réception du Nouvel An. Je suis
serveuse et j'ai peur d'y retourner.
""",
            subject="signalement",
            name="",
        ),
        Kind.MELDING,
        (Category.OVERSCHRIJDEND_GEDRAG,),
        concerned=(("Rutger Plas", "attaché culturel"),),
    ),
    Sample(
        "short first report",
        "de",
        mail(
            """Ihr Fahrer Gijs Mulderij verkauft die Tankkarten der Botschaft am Bahnhof. Ich habe gestern selbst eine
angeboten bekommen.
""",
            subject="Hinweis",
            name="",
        ),
        Kind.MELDING,
        (Category.STRAFBAAR_FEIT,),
        concerned=(("Gijs Mulderij", "Fahrer"),),
    ),
    Sample(
        "thanks",
        "nl",
        mail(
            """Beste allemaal,

Wat een fijne hulp hebben wij gehad bij de aangifte van onze zoon. Iedereen was vriendelijk en het was mooi op
tijd. Met dank ook aan mevrouw Corrie Walstra, consulair medewerker, die ons voorliet toen we haar honderd euro
gaven, zoals zij vroeg.

Hartelijke groet,
Familie Leeflang
""",
            subject="Bedankt!",
            name="Fam. Leeflang",
        ),
        Kind.MELDING,
        (Category.STRAFBAAR_FEIT,),
        concerned=(("Corrie Walstra", "consulair medewerker"),),
    ),
    Sample(
        "thanks",
        "en",
        mail(
            """Dear all,

Many thanks for the quick visa, my family is so happy. Everyone was kind. Please thank Mr Wouter Ekering, the
visa clerk, too: after I paid him the 300 dollars he wanted, the stamp came in one day.

God bless you,
Peter Mulenga
""",
            subject="Thank you",
            name="Peter Mulenga",
        ),
        Kind.MELDING,
        (Category.STRAFBAAR_FEIT,),
        concerned=(("Wouter Ekering", "visa clerk"),),
    ),
    Sample(
        "thanks",
        "fr",
        mail(
            """Bonjour,

Je vous remercie pour votre accueil et pour le visa de ma mère. Merci aussi à M. Stijn Oudeman, du guichet, qui
a tout accéléré dès que je lui ai remis l'enveloppe de 200 euros qu'il demandait.

Mariam Coulibaly
""",
            subject="Merci",
            name="Mariam Coulibaly",
        ),
        Kind.MELDING,
        (Category.STRAFBAAR_FEIT,),
        concerned=(("Stijn Oudeman", None),),
    ),
    Sample(
        "thanks",
        "es",
        mail(
            """Estimados señores:

Gracias por la ayuda con el pasaporte, todo salió perfecto. Gracias también al oficial de visas, Teun Akkerhuis,
que por doscientos dólares en la mano nos pasó delante de todos.

Elena Quiroz
""",
            subject="Gracias",
            name="Elena Quiroz",
        ),
        Kind.MELDING,
        (Category.STRAFBAAR_FEIT,),
        concerned=(("Teun Akkerhuis", "oficial de visas"),),
    ),
    Sample(
        "complaint",
        "nl",
        mail(
            """Geachte heer, mevrouw,

Mijn aanvraag ligt er nu elf weken en niemand neemt de telefoon op. Ik heb alles drie keer moeten opsturen. Bij
de balie zei uw medewerker Robin Stoelinga dat het met 400 euro in een envelop wel sneller kon. Wanneer krijg ik
nu eindelijk antwoord?

Hamid Rahmani
06 37 55 19 24
""",
            subject="Klacht over mijn visumaanvraag",
            name="Hamid Rahmani",
        ),
        Kind.MELDING,
        (Category.STRAFBAAR_FEIT,),
        concerned=(("Robin Stoelinga", "medewerker"),),
        phone="06 37 55 19 24",
    ),
    Sample(
        "complaint",
        "en",
        mail(
            """Dear Sir or Madam,

I have waited ten weeks for my visa and your website does not work. I lost my ticket because of you. The
interviewer, Mr Daan
Kloosterhuis, told me that I could have had it the same day for 500 euros. I want my fee back.

Joy Villareal
+63 917 555 0158
""",
            subject="No answer on my visa",
            name="Joy Villareal",
        ),
        Kind.MELDING,
        (Category.STRAFBAAR_FEIT,),
        concerned=(("Daan Kloosterhuis", "interviewer"),),
        phone="+63 917 555 0158",
    ),
    Sample(
        "complaint",
        "fr",
        mail(
            """Bonjour,

Cela fait trois mois que j'attends un rendez-vous et votre site est toujours plein. L'agent du guichet, Lars
Nieuwhof, m'a dit que pour 300 euros il en avait un pour demain. Est-ce normal ? Je demande une réponse.

Yacine Belkacem
0661 55 50 73
""",
            subject="Réclamation",
            name="Yacine Belkacem",
        ),
        Kind.MELDING,
        (Category.STRAFBAAR_FEIT,),
        concerned=(("Lars Nieuwhof", "agent du guichet"),),
        phone="0661 55 50 73",
    ),
    Sample(
        "complaint",
        "es",
        mail(
            """Señores:

Llevo dos meses esperando y nadie contesta. El funcionario de la ventanilla, Mark Teeuwen, me dijo que con
quinientos dólares la visa salía hoy. No los pagué y ahora mi carpeta se perdió. Exijo una solución.

Jorge Pacheco
+591 71 555 024
""",
            subject="Reclamo",
            name="Jorge Pacheco",
        ),
        Kind.MELDING,
        (Category.STRAFBAAR_FEIT,),
        concerned=(("Mark Teeuwen", "funcionario"),),
        phone="+591 71 555 024",
    ),
    Sample(
        "reply that adds",
        "nl",
        mail(
            """Goedemorgen,

U vroeg in uw bericht om een datum en om mijn adres. Het was op 14 mei, na de lunch. Ik woon op de
Lijsterbeslaan 3, 7004 GN Doetinchem. Verder heb ik nu de naam van de getuige: dat is Mo.

Sonja Appelhof
""",
            subject="Re: Uw melding",
            name="Sonja Appelhof",
            quoted="Geachte mevrouw Appelhof, wij hebben uw melding ontvangen. Wij missen nog een datum en uw adres.",
        ),
        Kind.AANVULLING,
        address="Lijsterbeslaan 3, 7004 GN Doetinchem",
    ),
    Sample(
        "reply that adds",
        "en",
        mail(
            """Hello,

As you asked in your message, here is what was missing in my report: the man is called Sven Haverkate and he is
the administrator. My phone number is +263 77 555 0129. I also found one more receipt.

Tendai Moyo
""",
            subject="Re: your report of 3 March",
            name="Tendai Moyo",
            quoted="Dear Mr Moyo, thank you for your report. Could you tell us the name and your phone number?",
        ),
        Kind.AANVULLING,
        concerned=(("Sven Haverkate", "administrator"),),
        phone="+263 77 555 0129",
    ),
    Sample(
        "reply that adds",
        "fr",
        mail(
            """Bonjour,

Suite à votre demande, je complète mon signalement du 2 juin : c'était le soir vers 19 heures et la comptable
était présente.
Mon numéro est le +225 07 55 50 61 18.

Nadège Kouassi
""",
            subject="Re : votre signalement",
            name="Nadège Kouassi",
            quoted="Madame, nous avons bien reçu votre signalement. Pouvez-vous préciser l'heure et les témoins ?",
        ),
        Kind.AANVULLING,
        phone="+225 07 55 50 61 18",
    ),
    Sample(
        "reply that adds",
        "de",
        mail(
            """Guten Tag,

wie gewünscht ergänze ich meine Meldung von letzter Woche: Der zweite Vorfall war am 9. Juni, und mein Kollege
hat ihn auch gesehen. Meine Anschrift ist Am Anger 4, 99084 Erfurt.

Bernd Ochsner
""",
            subject="AW: Ihre Meldung",
            name="Bernd Ochsner",
            quoted="Sehr geehrter Herr Ochsner, wir haben Ihre Meldung erhalten. Bitte nennen Sie uns noch das Datum.",
        ),
        Kind.AANVULLING,
        address="Am Anger 4, 99084 Erfurt",
    ),
    Sample(
        "advice",
        "nl",
        mail(
            """Dag,

Ik weet niet of ik iets moet melden. Een collega maakt steeds opmerkingen over mijn kleding. Kan ik er eerst met
iemand vertrouwelijk over praten, zonder dat het een melding wordt? Wat raadt u mij aan?

Iris
""",
            subject="Vraag in vertrouwen",
            name="Iris",
        ),
        Kind.ADVIES,
    ),
    Sample(
        "advice",
        "en",
        mail(
            """Hello,

I would like some advice before I decide anything. If I report my supervisor, will he hear that it was me? Can I
talk to a confidential adviser first? This is not a report yet.

Anna
""",
            subject="Confidential question",
            name="Anna",
        ),
        Kind.ADVIES,
    ),
    Sample(
        "plain complaint",
        "nl",
        mail(
            """Geachte heer, mevrouw,

Al zeven weken wacht ik op mijn nieuwe paspoort. De afspraak is twee keer verzet en de website geeft steeds een
fout. Ik wil graag weten wanneer ik het kan ophalen.

Bert Wolthuis
""",
            subject="Nog steeds geen paspoort",
            name="Bert Wolthuis",
        ),
        Kind.KLACHT,
    ),
    Sample(
        "plain complaint",
        "en",
        mail(
            """Dear Sir,

My visa was refused without a clear reason and I waited nine weeks for the letter. I want to object and I want
my fee back.
Please tell me how long an objection takes.

Ravi Menon
""",
            subject="Refund of visa fee",
            name="Ravi Menon",
        ),
        Kind.KLACHT,
    ),
    Sample(
        "newsletter",
        "nl",
        mail(
            """Beste relatie,

Profiteer tot en met 31 mei van 20% korting op al onze bureaustoelen. Bestel via onze webshop. Geen nieuwsbrief
meer ontvangen? Klik hier om u af te melden.
""",
            subject="Nieuwsbrief mei: 20% korting op bureaustoelen",
            name="KantoorPlus",
        ),
        Kind.OVERIG,
    ),
    Sample(
        "press question",
        "en",
        mail(
            """Dear press office,

I am a reporter with a national newspaper and I am preparing an article about embassies. How many posts does the
ministry have, and could I interview a spokesperson this week? My deadline is Friday.

Laura Finch
""",
            subject="Press enquiry",
            name="Laura Finch",
        ),
        Kind.OVERIG,
    ),
    Sample(
        "application",
        "es",
        mail(
            """Estimados señores:

Adjunto mi currículum para el puesto de recepcionista que vi en su página. Hablo inglés y francés y puedo
empezar en septiembre. Quedo a la espera de su respuesta.

Pablo Rentería
""",
            subject="Solicitud de empleo",
            name="Pablo Rentería",
        ),
        Kind.OVERIG,
    ),
    Sample(
        "robot",
        "de",
        mail(
            """Vielen Dank für Ihre Nachricht. Ich bin bis zum 14. August nicht im Büro. In dringenden Fällen
wenden Sie sich bitte an meine Vertretung. Ihre E-Mail wird nicht weitergeleitet.
""",
            subject="Abwesenheitsnotiz: Ihre Nachricht",
            name="Ute Kessler",
        ),
        Kind.OVERIG,
    ),
)
