#!/bin/bash
# Install the system packages that the tests run against (a real mail server, a real browser, strace), where we may.
# Where we may not, say exactly what is missing and which tests are then left out. Never fails for want of them.
set -euo pipefail

say() { printf 'meldpost: %s\n' "$*" >&2; }

# package, program that shows it is there, file that shows it (or -), what is left out without it
needed() {
    cat <<'LIST'
dovecot-imapd|dovecot|-|the tests against a real IMAP server (tests/system), and make bench
dovecot-lmtpd|-|/usr/lib/dovecot/lmtp|the tests against a real IMAP server (tests/system), and make bench
exim4-daemon-light|exim4|-|the tests against a real SMTP server (tests/system)
postgresql|-|/usr/lib/postgresql|the tests against a real PostgreSQL (tests/system)
chromium|chromium|-|the tests of the desk in a real browser, and make bench
tesseract-ocr|tesseract|-|the tests that letters are read off scans and photographs
tesseract-ocr-eng|-|/usr/share/tesseract-ocr/5/tessdata/eng.traineddata|the tests that letters are read off scans and photographs
tesseract-ocr-nld|-|/usr/share/tesseract-ocr/5/tessdata/nld.traineddata|the tests that letters are read off scans and photographs
clamav-daemon|clamd|-|the tests against a real virus scanner
strace|strace|-|the test that no readable byte is written to disk (tests/system)
gnupg|gpg|-|the tests of OpenPGP mail as GnuPG writes it (tests/ingest)
openssl|openssl|-|the tests of S/MIME mail as another program writes it (tests/ingest)
LIST
}

present() {
    if [ "$2" != - ]; then [ -e "$2" ]; else PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null; fi
}

missing_packages() {
    needed | while IFS='|' read -r package program file _; do present "$program" "$file" || echo "$package"; done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo -n "$@"
    else return 1
    fi
}

# The tests start servers of their own, as they need them: the packaged services are not to be started by the installation.
without_services() {
    local policy=/usr/sbin/policy-rc.d status=0
    if [ -e "$policy" ]; then as_root "$@"; return; fi
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    as_root "$@" || status=$?
    as_root rm -f "$policy"
    return "$status"
}

packages=$(missing_packages)
if [ -n "$packages" ] && command -v apt-get >/dev/null && as_root true; then
    say "installing for the tests:" $packages
    as_root apt-get update -qq || say "apt-get update failed"
    # One by one: what this distribution does not have (Ubuntu's chromium is a snap) does not keep the rest away.
    for package in $packages; do
        without_services env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null || say "could not install $package"
    done
fi
needed | while IFS='|' read -r package program file what; do
    present "$program" "$file" || say "left out: $what. To run them: apt-get install $package"
done
