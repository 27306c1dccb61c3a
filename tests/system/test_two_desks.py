"""One daemon with two desks, each with a mailbox of its own: neither sees anything of the other."""

from meldpost.init import FirstMember, Plan, add_desk
from tests.system.dovecot import PASSWORD
from tests.system.installation import PASSPHRASE, Installation, letter

OTHER = "steunpunt"


def test_the_same_mail_to_two_desks_is_a_case_at_each_and_each_answers_for_itself(installation: Installation) -> None:
    """mail-cases 17"""
    installation.set_up()
    other = f"steunpunt{installation.number}@ministry.example"
    first = installation.settings
    desk = first.desks["integriteit"].model_dump(mode="json", include={"organisation", "texts"})
    box = first.mailboxes["desk"].model_dump(mode="json", exclude_defaults=True)
    add_desk(
        Plan(
            config=installation.config,
            desk=OTHER,
            settings={
                "desks": {OTHER: {**desk, "name": "Steunpunt", "address": other}},
                "mailboxes": {"other": {**box, "desk": OTHER, "user": other}},
            },
            member=FirstMember("support", f"support{installation.number}@ministry.example", PASSPHRASE),
            passwords={"mailbox-password-other": PASSWORD},
        )
    )
    mail = letter(installation.reporter(), f"{installation.address}, {other}")
    installation.exim.send(mail.as_bytes(), installation.reporter(), [installation.address, other])
    installation.start()
    receipts = installation.receipts(2)
    senders = {str(receipt["From"]).strip("<>") for receipt in receipts}
    assert senders == {installation.address, other}
    assert installation.rows("select desk, count(*) from case_file group by desk order by desk") == [
        ("integriteit", 1),
        (OTHER, 1),
    ]
    installation.wait("both are moved", lambda: installation.dovecot.count(other, "Verwerkt") == 1)
    assert installation.rows("select account, desk, state from ledger order by account") == [
        ("desk", "integriteit", "settled"),
        ("other", OTHER, "settled"),
    ]
