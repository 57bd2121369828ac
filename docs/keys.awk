# The output of `podinit --keys` as a part of podinit.conf(5). Must not know any key.
/^\[/ { printf ".SS \"%s\"\n", $0; next }
/^  [^ ]/ {
	name = $1
	sub(/^ *[^ ]+ /, "")
	printf ".TP\n.BR %s \" %s\"\n", name, $0
	next
}
/^      / { sub(/^ */, ""); print; next }
