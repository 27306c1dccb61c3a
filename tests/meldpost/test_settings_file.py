import tomllib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from config.settings import DeskSettings, RuleSettings, Settings
from meldpost.settings_file import render
from tests.meldpost.plans import plan_in


def test_every_setting_stands_in_the_file_with_its_explanation(tmp_path: Path) -> None:
    desk = {**plan_in(tmp_path).settings["desks"]["desk-a"], "public_key": "", "recovery_key": "", "mailer_key": ""}
    text = render({**plan_in(tmp_path).settings, "desks": {"desk-a": desk}})
    lines = text.splitlines()
    for model in (RuleSettings, DeskSettings):
        for name, field in model.model_fields.items():
            assert any(line.startswith((f"{name} =", f"# {name} =")) or line.endswith(f".{name}]") for line in lines)
            if field.description:
                assert field.description.split()[0] in text
    assert tomllib.loads(text)["mailboxes"]["box"]["host"] == "127.0.0.1"
    assert "rules" in tomllib.loads(text)
    assert set(tomllib.loads(text)) <= set(Settings.model_fields)


@given(st.text())
def test_any_text_comes_back_as_it_was(text: str) -> None:
    clean = text.encode("utf-8", "replace").decode()
    assert tomllib.loads(render({"database": {"url": clean}}))["database"]["url"] == clean
