"""Words for what somebody does, in the forms that a language gives them."""

import pytest

from triage.functions import Functions
from triage.tokens import CLASSES, Tokens


@pytest.fixture(scope="module")
def functions() -> Functions:
    return Functions()


@pytest.mark.parametrize(
    "word",
    [
        *("handelsattaché", "Handelsreferent", "baliechef", "Ploegleider", "landbouwdeskundige", "huisbaas"),
        *("ataşesinin", "müdürümüz", "sorumlusuyla", "görevlisi", "Sekreteri"),
        *("керівником", "заступниці", "посла", "секретарка", "водієві"),
        *("kierowniczce", "zastępcą", "urzędnika"),
        *("pegawainya", "atasanku", "petugas"),
        *("السكرتيرة", "والموظف", "للملحق", "بالمسؤولة", "منسّق", "وكيلة", "موظفين", "مديرتنا"),
        *("archiviste", "Hausmeisterin", "cajera", "assessora", "segretaria"),
    ],
)
def test_a_word_for_a_function_is_known_in_the_form_that_it_has(functions: Functions, word: str) -> None:
    by_itself = next(token for token in Tokens().of(word))
    assert word in functions or by_itself.classes & (1 << CLASSES.index("function"))


@pytest.mark.parametrize(
    "word",
    [
        *("leider", "oktober", "ambassade", "delegatie", "Gegenwart", "", "a", "helaas"),
        *("konsolosluk", "konsolosluğu", "büyükelçilik", "посольство", "посольстві", "konsulat", "ambasada"),
        *("السفارة", "القنصلية", "الوزارة", "مدينة", "كتاب"),
    ],
)
def test_buildings_and_other_words_are_no_functions(functions: Functions, word: str) -> None:
    assert word not in functions
