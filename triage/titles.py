"""Words around names and functions, in the languages of the desk."""

TITLES = frozenset(
    """heer dhr hr mevrouw mevr mw mevr. dhr. hr. mw. meneer juffrouw drs drs. dr dr. ir ir. ing prof prof. jhr mr mr. mrs
    mrs. ms ms. miss sir madam dame lord m m. mme mlle madame monsieur mademoiselle maître herr herrn frau hr fr fr.
    señor señora señorita sr sr. sra sra. don doña dr. dra dra. senhor senhora dona doutor signor signora signore dott
    dott.ssa pak ibu bapak bpk bu mas mbak bay bayan bey hanım hanim pan pani пан пані السيد السيدة الأستاذ السيّد 先生 女士""".split()
)
"""Words after which a name follows (or, in Turkish, before which it stands)."""

PARTICLES = frozenset(
    """van de der den ten ter te 't 's op in 'n von zu zum zur du des la le del della di da do dos das bin ibn bint al el
    ben abu y e ul ould der. v. v.d. d. af av""".split()
)
"""Words in lower case that may stand inside a name."""

FUNCTION_HEADS = """ambassadeur ambassadrice consul vice-consul consul-generaal attaché attachee zaakgelastigde gezant
    handelsraad landbouwraad raad secretaris ambassadesecretaris medewerker medewerkster beleidsmedewerker hoofd
    afdelingshoofd clusterhoofd teamleider teamleidster directeur directrice manager coördinator adviseur adviseuse
    beheerder chef souschef diplomaat diplomate ambtenaar ambtenares dossierhouder inkoper controller planner recruiter
    chauffeur huismeester intendant beveiliger portier receptionist receptioniste secretaresse stagebegeleider begeleider
    mentor leidinggevende supervisor voorlichter woordvoerder persvoorlichter jurist beslisser visumbeslisser
    baliemedewerker loketmedewerker beoordelaar projectleider programmamanager delegatieleider ploegchef voorman tuinman
    kok archivaris analist inspecteur trainer docent voorzitter magazijnbeheerder kwartiermaker collega ambassador
    officer counsellor secretary head chief manager director adviser advisor assistant clerk coordinator attache
    supervisor official diplomat guard driver cashier interviewer recruiter controller analyst lawyer trainer chair
    chargé conseiller conseillère consule directeur directrice responsable chef cheffe agent agente fonctionnaire
    secrétaire gestionnaire gardien chauffeur coordinatrice coordinateur botschafter botschafterin konsul konsulin
    leiter leiterin referent referentin sachbearbeiter sachbearbeiterin mitarbeiter mitarbeiterin beauftragte
    beauftragter kanzler einkäufer embajador embajadora cónsul vicecónsul consejero consejera agregado agregada oficial
    jefe jefa encargado encargada funcionario funcionaria asistente secretario secretaria director directora asesor
    asesora embaixador embaixadora cônsul vice-cônsul conselheiro conselheira adido funcionário funcionária chefe
    assistente diretor diretora ambasciatore ambasciatrice console viceconsole addetto addetta funzionario funzionaria
    capo responsabile direttore direttrice büyükelçi konsolos müsteşar ataşe memur memuru müdür müdürü sorumlusu şefi
    duta konsul kepala petugas staf pejabat atase sekretaris manajer посол консул аташе радник керівник начальник
    співробітник співробітниця секретар ambasador konsul radca kierownik kierowniczka urzędnik urzędniczka attaché
    سفير السفير قنصل القنصل ملحق موظف موظفة مسؤول مسؤولة مدير مديرة رئيس سكرتير مستشار 领事 主管 秘书 参赞 官员""".split()
"""The nouns that functions at a ministry and its posts are made of."""

FUNCTION_MODIFIERS = frozenset(
    """senior junior eerste tweede derde 1e 2e plaatsvervangend plv plv. waarnemend honorair consulair consulaire
    cultureel culturele economisch politiek technisch operationeel financieel regionaal first second third deputy acting
    honorary consular cultural economic political technical operational financial regional senior policy visa protocol
    press security general vice premier première deuxième adjoint erster zweiter stellvertretende stellvertretender
    primer segundo tercer adjunto primeiro oberste""".split()
)

GREETINGS = frozenset(
    """geachte beste dag hallo hoi goedemorgen goedemiddag goedenavond lieve l.s. dear hello hi good greetings bonjour
    bonsoir cher chère madame monsieur sehr guten hallo liebe estimado estimada estimados buenos buenas hola querido
    prezado prezada prezados exmo exma caro cara bom boa gentile egregio egregi buongiorno spettabile spett sayın
    merhaba yth kepada selamat salam шановний шановна шановні добрий доброго szanowni szanowny szanowna dzień السادة
    السلام تحية حضرة 尊敬的 您好""".split()
)

CLOSINGS = (
    "met vriendelijke groet",
    "vriendelijke groet",
    "met groet",
    "groet",
    "groeten",
    "hoogachtend",
    "mvg",
    "m.v.g.",
    "gr.",
    "alvast bedankt",
    "dank",
    "kind regards",
    "regards",
    "best regards",
    "best wishes",
    "yours sincerely",
    "yours faithfully",
    "yours truly",
    "yours",
    "sincerely",
    "respectfully",
    "thank you",
    "thanks",
    "cordialement",
    "bien à vous",
    "salutations",
    "veuillez agréer",
    "merci",
    "mit freundlichen grüßen",
    "freundliche grüße",
    "freundlichen grüssen",
    "mfg",
    "hochachtungsvoll",
    "grüße",
    "gruß",
    "atentamente",
    "saludos",
    "un saludo",
    "cordialmente",
    "gracias",
    "atenciosamente",
    "cumprimentos",
    "com os melhores cumprimentos",
    "obrigado",
    "obrigada",
    "cordiali saluti",
    "distinti saluti",
    "saluti",
    "grazie",
    "saygılarımla",
    "saygılar",
    "teşekkürler",
    "hormat saya",
    "salam hormat",
    "terima kasih",
    "з повагою",
    "дякую",
    "z poważaniem",
    "pozdrawiam",
    "مع التحية",
    "وتفضلوا",
    "شكرا",
    "此致",
    "谢谢",
)
