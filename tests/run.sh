#!/bin/sh
# Runs one test program for ctest; where it fails, says how to run it again.
#   run.sh NAME BUILD_FOLDER PROGRAM [ARGUMENTS]
name=$1 build=$2
shift 2
"$@"
status=$?
[ $status = 0 ] && exit 0
echo "again: cmake --build $build && ctest --test-dir $build --output-on-failure -R '^$name\$'"
exit $status
