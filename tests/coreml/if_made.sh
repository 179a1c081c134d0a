#!/bin/sh
# if_made.sh FILE COMMAND...: runs it where the file is there; else the test is skipped.
file=$1
shift
if [ ! -e "$file" ]; then
    echo "skipped: $file is not there; tests/support/coreml.sh make installs what makes it"
    exit 77
fi
exec "$@"
