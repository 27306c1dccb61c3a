"""Words that hint at a category, a kind or a danger, written by hand in the languages of the desk.

They are stems: a stem counts where a word begins with it. They serve twice: as signals for the trained classifier, where a
hint carries over to languages with few training mails, and alone, as the baseline that the model has to beat.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

CATEGORY_STEMS: Mapping[str, str] = MappingProxyType(
    {
        "belangenverstrengeling": """belangenverstreng belangenconflict nevenfunctie nevenwerk schoonzus zwager broer neef
            nicht echtgeno partner aandeel aandelen aandeelhoud eigenaar gegund gunning aanbested offerte opdracht bv vof
            stichting bestuurslid adviesbureau familie vriend conflict brother sister cousin wife husband spouse nephew
            niece in-law shareholder owner owns director tender awarded contract bid shares consultancy consulting company
            firm frère soeur cousin mari épouse beau-frère marché appel société actionnaire bruder schwager ehefrau
            ehemann schwester firma auftrag vergabe hermano hermana primo cuñado esposa esposo empresa licitación
            contrato irmão irmã primo empresa concurso cunhado kardeş eniş şirket ihale ipar saudara tender perusahaan
            fratello cognato ditta appalto moglie marito брат сестр фірм тендер shwagier brat firma przetarg شركة شقيق أخ زوج عطاء""",
        "informatiemisbruik": """lek gelek doorgestuur doorgespeel vertrouwelijk geheim gegevens dossier paspoortkopie
            whatsapp groepsapp gewijzig verander vervalst verslag notulen rapport cijfers gewist verwijder inzage
            opgezocht leak confidential secret forward data file records altered changed falsif minutes report deleted
            screenshot looked database passport photo shared information divulg confidentiel fuite données transmis
            modifié rapport falsifi vertraulich weitergegeben daten protokoll gelöscht geändert bericht akte filtr
            confidencial datos expediente informe alterado borr vazou confidencia dados relatório alter gizli bilgi
            sızd rapor data bocor rahasia laporan dokumen dati riservat rapporto modificat дан конфіден звіт poufn dane
            raport معلومات سري بيانات ملف تسريب""",
        "strafbaar_feit": """gestolen steel stal diefstal verduister fraude fraudul smeergeld steekpenning omkop contant
            kickback procent envelop enveloppe factuur facturen declaratie valse nep brandstof diesel bonnetje kas
            betalen euro onderhands stolen steal theft fraud bribe bribery cash percent envelope invoice invoiced fake
            forged fuel diesel receipt embezzl kickback commission paid pay money missing vol volé détourn pot-de-vin
            espèces facture fausse commission gestohlen unterschl schmiergeld bargeld rechnung gefälscht prozent robo
            robó soborno efectivo factura comisión falsa dinero roub suborno dinheiro fatura propina rüşvet nakit fatura
            çald para suap uang tunai kuitansi faktur curi rubat tangent contant fattura soldi хабар гроші крад рахун
            готівк łapów gotówk faktur ukrad رشوة نقد سرق فاتورة مال""",
        "pesten": """pest gepest treiter buitengesloten buitensluit negeer genegeerd doodzwijg belachelijk uitgelach
            gekleineerd kleineer bijnaam grap lachen lacht roddel vernederd vernedering bully bullied bullying ignor
            exclud ridicul mock laugh humiliat nickname belittl joke gossip isolat moqu ridicul ignor exclu humili
            surnom rire rit harcèlement gemobb mobbing ausgegrenz ausgelacht spott ignorier spitzname lächerlich
            burla ridiculiz ignor exclu humill apodo ríe goz zomb humilh alcunha alay dışla küçümse lakap ejek
            mengejek dikucil olok hina deris soprannome esclus знущ глуз ігнор прізвис wyśmiew ignor przezw سخر استهز تجاهل""",
        "overschrijdend_gedrag": """hand handen dij knie bil billen borst zoen zoende kus kuste aanrak aangeraakt aanraking
            seks seksue intiem ongewenst hotelkamer bed jurk rok lichaam masseer strelen streelde foto naakt decolleté
            complimentjes hotel slaapkamer sex sexual kiss kissed touch touched thigh knee breast bottom hug naked nude
            bedroom hotel massage body dress skirt grope flirt date rape intimate main cuisse genou embrass sein toucher
            sexuel nue hôtel chambre jupe kuss küss berühr oberschenkel knie po brust sexuell nackt hotelzimmer rock
            beso besó tocar tocó muslo rodilla pecho sexual desnud hotel beijo beijou tocar coxa joelho peito sexual
            öp dokun bacak diz cinsel otel cium sentuh paha lutut peluk seksual kamar bacio baciato coscia ginocchio
            toccato sessual поцілу торк колін секс стегн готел pocałow dotyk kolan udo pierś hotel لمس قبل يد فخذ جنس فندق""",
        "intimidatie": """bedreig dreig schreeuw schreeuwde brul agressie agressief vuist gooide smeet duwde sloeg intimid
            waarschuw pas vinden weet waar woon kinderen geweld bang angst vuur mes pistool threat threaten shout
            shouted yell scream aggress fist threw pushed slapped hit intimidat warn scared afraid fear weapon gun
            knife violence menac cri crier hurl agress poing jeté poussé frapp peur arme droh drohung schrie brüll
            faust geworfen stieß schlug angst waffe amenaz grit gritó puño empuj golpe miedo arma ameaç grit gritou
            punho empurr bateu medo tehdit bağır yumruk korku vur ancam mengancam teriak bentak takut pukul minacc
            urla pugno spint paura погро крич страх удар бояв groz krzyc krzyk bał strach uderz تهديد هدد صرخ خوف ضرب""",
        "discriminatie": """discrimin racis zwart donker huidskleur afkomst buitenland moslim hoofddoek joods homo lesbisch
            transgender gay geloof religie leeftijd oud ouder zwanger vrouw vrouwen rolstoel doof handicap accent allochto
            aap neger discriminat racis black dark skin origin muslim hijab headscarf jewish gay lesbian trans religion
            age old older pregnant woman women wheelchair deaf disab accent monkey african foreigner noir peau origine
            musulman voile juif homosexuel âge enceinte femme fauteuil accent raciste schwarz haut herkunft muslim
            kopftuch jude schwul alter schwanger frau rollstuhl akzent negr piel origen musulman velo judío edad
            embarazada mujer silla acento racista negro pele origem muçulman véu idade grávida mulher racista siyah
            ten köken başörtü yaş hamile kadın ırk hitam kulit jilbab agama umur hamil perempuan suku nero pelle
            origine velo età incinta donna razz чорн шкір поход вік вагітн жінк czarn skór pochodz wiek ciąż kobiet أسود لون بشرة حجاب دين عمر حامل امرأة عنصر""",
        "machtsmisbruik": """subsidie intrek ingetrokken visum visa vergunning tegenprestatie gunst anders regel geregeld
            druk dwing gedwongen eis eiste ontslag contract beslissing besluit weiger bevoegd positie macht opdracht
            privé dienstauto tuin verhuiz grant subsidy withdraw withdrawn visa permit favour favor leverage otherwise
            pressure force forced demand demanded condition refuse authority position power private errands unless
            abuse subvention retir visa permis faveur pression oblig exig condition pouvoir subvention zuschuss
            förder entzieh visum gefallen druck zwang verlang bedingung macht subvención retir visado favor presión
            exig condición poder subsídio retir visto favor pressão exig poder hibe vize baskı şart yetki izin hibah
            visa tekan syarat paksa izin sovvenzion visto favore pressione potere грант віза тиск умов вимаг dotacj
            wiza nacisk warunk żąda تأشيرة منحة ضغط شرط سلطة""",
    }
)

KIND_STEMS: Mapping[str, str] = MappingProxyType(
    {
        "advies": """advies raad vertrouwenspersoon vrijblijvend overweg twijfel mogelijkheden hoe-meld advice advise
            confidential unsure consider wonder options before-decid conseil hésit confident rat beratung überleg
            vertraulich consejo dudo aconsej conselho dúvida consiglio tavsiye saran порад rada استشارة نصيحة""",
        "klacht": """klacht wachttijd wachten weken maanden afgewezen afwijzing bezwaar geen-antwoord onbereikbaar loket
            afspraak website complaint waiting refused refusal rejected appeal no-reply appointment slow refund plainte
            attente refus rendez-vous beschwerde wartezeit abgelehnt termin queja espera rechazad cita reclamação
            espera recus reclamo attesa rifiut şikayet bekl ret keluhan menunggu ditolak скарг відмов skarga odmow شكوى رفض انتظار""",
        "aanvulling": """aanvulling aanvullend eerder kenmerk zaaknummer dossiernummer ontvangstbevestiging vervolg
            nagekomen alsnog supplement addition earlier previous reference follow-up followup further complément
            précédent référence suite ergänzung nachtrag aktenzeichen complemento anterior referencia complemento
            anterior referência integrazione ek önceki tambahan sebelumnya доповн попередн uzupełn إضافة سابق""",
        "overig": """nieuwsbrief afmelden uitschrijven sollicit vacature persvraag journalist redactie webinar korting
            aanbieding factuurnr afwezig out-of-office automatisch newsletter unsubscribe apply application vacancy
            journalist press interview webinar discount offer delivery undeliver automatic candidature presse
            bewerbung newsletter abmelden solicitud prensa boletín candidatura imprensa candidatura stampa başvuru
            lamaran berita пресс заявк aplikacja prasow صحافة وظيفة""",
    }
)

DANGER_STEMS = """vermoord zelfmoord suïcid dood maken wapen pistool mes verkracht aangerand vernietig versnipper vanavond nu
    112 kill suicide rape raped gun knife weapon shred destroy tonight tuer suicide viol arme détruire umbringen selbstmord
    vergewaltig waffe vernichten matar suicid violó viola arma destru morte suicídio estupr öldür intihar tecavüz bunuh
    bunuh-diri perkosa uccid suicid stupr вбит самогуб зґвалт zabi samobój zgwałc قتل انتحار اغتصاب""".split()

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


class Stems:
    """Counts, per label, the words of a text that begin with one of its stems."""

    def __init__(self, stems: Mapping[str, str]) -> None:
        self.labels = tuple(stems)
        by_stem: dict[str, list[int]] = {}
        for index, label in enumerate(self.labels):
            for stem in stems[label].split():
                by_stem.setdefault(stem.replace("-", " "), []).append(index)
        self._by_stem = {stem: tuple(dict.fromkeys(indices)) for stem, indices in by_stem.items()}
        self._longest = max(map(len, self._by_stem))

    def counts(self, words: list[str]) -> list[int]:
        counts = [0] * len(self.labels)
        for word in words:
            for length in range(2, min(len(word), self._longest) + 1):
                stem = word[:length]
                # Short stems are whole words: "bed" must not count "bedoeld".
                if stem in self._by_stem and (length >= 5 or length >= len(word) - 1):
                    for index in self._by_stem[stem]:
                        counts[index] += 1
        return counts


def words(text: str) -> list[str]:
    """The words of a text in lower case, numbers left out."""
    return [w.group().lower() for w in _WORD.finditer(text)]
