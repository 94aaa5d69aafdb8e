# SPDX-License-Identifier: Apache-2.0
# As engines and GNU tar call them: the output is that of the real ones, and of good and bad so is the
# status. Nothing but decompressing to standard output.
mkdir names
for name in unpigz pigz igzip gzip gunzip zcat xz unxz xzcat zstd unzstd zstdcat; do
	ln -s "$oakum_program" names/$name
done
seq 50000 >text
# seen COMMAND...: its status and what it has written.
seen() {
	"$@" >out 2>err && status=0 || status=$?
	echo "status $status, $(wc -c <out) bytes$(sed 's/^/, /' err)"
}
# as_real NAME FILE: status and output are those of the program itself.
as_real() {
	local real=0 ours=0
	command $1 -dc <$2 >expected 2>/dev/null || real=1
	names/$1 -dc <$2 >out 2>err || ours=$?
	echo "$1 $2: $ours, really $real"
	[ $ours != 0 ] || cmp expected out
}
for name in gzip xz zstd; do
	$name -c text >good
	(cat good good) >twice
	head -c 4000 good >cut
	(head -c 3000 good; printf XXXX; tail -c +3005 good) >damaged
	: >empty
	for file in good twice cut damaged empty text; do as_real $name $file; done
done
echo --- what they are called with
gzip -c text >z
for line in "unpigz -d -c" "igzip -d -c" "xz -d -c -q" "zstd -d" "pigz -d" "unpigz" "zcat z" "zstdcat -- z" \
	"xz -dcqkfT0 z" "gunzip --stdout --keep z" "zstd --decompress --threads=4" "xz -d -T 4 -" "gzip -dcf text"; do
	names/${line} <z | cmp - text && echo "$line"
done
tar -cf - text | zstd -q | tar -I "$PWD/names/zstd" -tf -
tar -cf - text | xz | tar --use-compress-program "$PWD/names/xz" -xOf - text | cmp - text
tar -cf - text | tar -I "$PWD/names/xz" -cf archive text 2>tar-says || echo "tar cannot pack by it"
grep ^xz: tar-says
echo --- what is not there
for line in "gzip -c" "xz" "zstd -19" "gzip -d9" "unxz z" "xz -d z" "xz -dc z z" "zstd -d --long=31" "zstd -d -T" \
	"xz -d -Tmany" "gzip -dc missing" "zcat text"; do
	echo "$line: $(seen names/$line <z)"
done
names/unpigz --version | sed 's/[0-9.]*$/VERSION/'
names/unpigz --help
echo --- who reads no more
names/unpigz <z | head -n 1
echo "${PIPESTATUS[@]}"
each names/unpigz <z >/dev/full
each names/unpigz <z >&-
