#!/bin/sh
# Installs Chromium and its driver, with which tests/browser looks at the status page. Those tests are skipped without them, unless
# CI=true, so nothing fails here.
set -u

if command -v chromedriver >/dev/null 2>&1; then
    exit 0
fi
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "installing the Debian packages chromium and chromium-driver"
    apt-get update -q &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends chromium chromium-driver &&
        exit 0
fi
cat <<TEXT
chromium and chromedriver are missing: THE TESTS IN A BROWSER WILL BE SKIPPED. To run them:
  Debian, Ubuntu   sudo apt-get install --no-install-recommends chromium chromium-driver
  others           put Chromium or Chrome and its chromedriver on the PATH
TEXT
