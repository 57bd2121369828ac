# podinit: `make` builds, `make test` is the one command that shows that it works.
# Floors (docs/design.md): spec <- core <- linux <- the programs. tests/purity proves the first two.

VERSION := 0.1.0
BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
STATIC  ?= 1
V       ?= 0
PKG_CONFIG ?= pkg-config
# Debian's python3-pytest belongs to Debian's python3, whatever else is called so.
PYTHON  ?= $(if $(wildcard /usr/bin/python3),/usr/bin/python3,python3)

CFLAGS   ?= -O2 -g
WARNINGS  = -Wall -Wextra -Wshadow -Wswitch-enum -Wmissing-prototypes -Wno-missing-field-initializers \
	    $(if $(CI),-Werror)
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -DPODINIT_VERSION='"$(VERSION)"' -iquote src $(WARNINGS) \
	     -fstack-protector-strong -fno-strict-aliasing $(CFLAGS)

# Every file of a floor belongs to it.
names_in = $(patsubst src/$(1)/%.c,%,$(sort $(wildcard src/$(1)/*.c)))
SPEC    = $(call names_in,spec)
CORE    = $(call names_in,core)
LINUX   = $(call names_in,linux)
CONVERT = $(call names_in,convert)
FACES   = $(call names_in,faces)
PROBE   = $(call names_in,probe)

spec_o  = $(SPEC:%=$(BUILD)/spec/%.o)
core_o  = $(CORE:%=$(BUILD)/core/%.o)
linux_o = $(LINUX:%=$(BUILD)/linux/%.o)
faces_o = $(FACES:%=$(BUILD)/faces/%.o)
convert_o = $(CONVERT:%=$(BUILD)/convert/%.o)
probe_o = $(PROBE:%=$(BUILD)/probe/%.o)
http_o  = $(BUILD)/linux/http_answer.o $(BUILD)/linux/http_request.o $(BUILD)/linux/http_url.o
objects = $(spec_o) $(core_o) $(linux_o) $(faces_o) $(convert_o) $(probe_o) \
	$(BUILD)/podinit.o $(BUILD)/podctl.o $(BUILD)/podconv.o $(BUILD)/podprobe.o

INIH_LIBS    = -linih
EV_LIBS      = -lev -lm
CAP_LIBS     = -lcap
JANSSON_LIBS = $(shell $(PKG_CONFIG) --libs jansson 2>/dev/null || echo -ljansson)
SECCOMP_LIBS = $(shell $(PKG_CONFIG) --libs libseccomp 2>/dev/null || echo -lseccomp)
PROBE_LIBS   = $(shell $(PKG_CONFIG) $(link_static:-%=--%) --libs libnghttp2 libssl libcrypto 2>/dev/null || \
	echo -lnghttp2 -lssl -lcrypto)
link_static  = $(if $(filter 1,$(STATIC)),-static)

Q = $(if $(filter 0,$(V)),@)
say = $(if $(filter 0,$(V)),@printf '  %-7s %s\n' $(1) $(2))

all: $(BUILD)/podinit $(BUILD)/podctl $(BUILD)/podconv $(BUILD)/podprobe $(BUILD)/pause \
	$(BUILD)/podinit.conf.5 $(BUILD)/purity

$(BUILD)/podinit: $(spec_o) $(core_o) $(linux_o) $(faces_o) $(BUILD)/podinit.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(link_static) -o $@ $^ $(INIH_LIBS) $(EV_LIBS) $(CAP_LIBS) $(SECCOMP_LIBS)

$(BUILD)/podctl: $(BUILD)/podctl.o $(BUILD)/linux/names.o $(BUILD)/spec/text.o $(BUILD)/spec/arena.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(link_static) -o $@ $^ $(JANSSON_LIBS)

$(BUILD)/podconv: $(BUILD)/podconv.o $(convert_o) $(BUILD)/linux/seccomp.o $(BUILD)/linux/seccomp_build.o $(spec_o)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(link_static) -o $@ $^ $(INIH_LIBS) $(JANSSON_LIBS) $(SECCOMP_LIBS)

# Linked statically, getaddrinfo makes the linker warn of name services that are shared objects; connect.c uses
# none of them. OpenSSL could load some, and is told not to.
ld_quiet = -Wl,--no-warnings
podprobe_link = $(if $(findstring --no-warnings,$(if $(link_static),$(shell $(CC) -Wl,--help))),$(ld_quiet))
$(BUILD)/podprobe: $(BUILD)/podprobe.o $(probe_o) $(http_o) $(BUILD)/spec/text.o $(BUILD)/spec/arena.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(link_static) $(podprobe_link) -o $@ $^ $(PROBE_LIBS)

$(BUILD)/%.o: src/%.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# spec and core call no system, no clock, no libev: the build fails if they do.
$(BUILD)/purity: $(spec_o) $(core_o) tests/purity.sh tests/purity.allow
	$(call say,PURE,'spec and core')
	$(Q)$(if $(SANITIZE),,tests/purity.sh $(BUILD) && )touch $@

# The freestanding pause: no C library, at most 1,024 bytes. PAUSE_CC names a cross compiler.
PAUSE_CC    ?= $(CC)
PAUSE_FLAGS  = -std=c11 -Os -ffreestanding -nostdlib -static -fno-pie -fno-stack-protector \
	       -fno-asynchronous-unwind-tables -DVERSION='"$(VERSION)"' -Wall -Wextra $(if $(CI),-Werror) \
	       -Wl,-T,pause/pause.ld,--build-id=none,-z,noexecstack,-z,max-page-size=4096,-s
$(BUILD)/pause: pause/pause.c pause/syscall.h pause/pause.ld
	$(call say,PAUSE,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(PAUSE_CC) $(PAUSE_FLAGS) -o $@ pause/pause.c
	$(Q)test $$(stat -c %s $@) -le 1024

# The page of the file format, with every key of the table.
$(BUILD)/podinit.conf.5: docs/podinit.conf.5.in docs/keys.awk $(BUILD)/podinit
	$(call say,MAN,$@)
	$(Q)$(BUILD)/podinit --keys | awk -f docs/keys.awk >$@.keys
	$(Q)sed -e '/^@KEYS@$$/{r $@.keys' -e 'd}' docs/podinit.conf.5.in >$@
	$(Q)rm -f $@.keys

# --- tests: each layer is a program or script that ends with "N passed, N failed" ---

$(BUILD)/unit: $(wildcard tests/unit/*.c tests/unit/*.h) $(spec_o) $(core_o)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests/unit $(LDFLAGS) -o $@ $(filter %.c %.o,$^) $(INIH_LIBS) -lcmocka

$(BUILD)/sim: $(wildcard tests/sim/*.c tests/sim/*.h) $(spec_o) $(core_o)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(filter %.c %.o,$^) $(INIH_LIBS)

unit: $(BUILD)/unit
	$(BUILD)/unit
	tests/purity.sh $(BUILD) $(BUILD)/unit

# Random pods against the promises; SEED=n repeats, LIVES=n says how many.
sim: $(BUILD)/sim
	$(BUILD)/sim $(if $(SEED),--seed $(SEED)) $(if $(LIVES),--lives $(LIVES))

# The same objects with AddressSanitizer and UBSan, in a build directory of their own.
asan_make = $(MAKE) BUILD=$(BUILD)/asan STATIC=0 SANITIZE=1 \
	CFLAGS='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer'
sim-asan:
	$(Q)$(asan_make) sim
unit-asan:
	$(Q)$(asan_make) $(BUILD)/asan/unit
	$(BUILD)/asan/unit

# libFuzzer over every reader of outside text; FUZZ_SECONDS=n.
FUZZ_SECONDS ?= 20
FUZZ_FLAGS    = -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
fuzzed = $(SPEC:%=src/spec/%.c) $(CONVERT:%=src/convert/%.c) src/linux/seccomp.c src/linux/seccomp_build.c
define fuzz_link
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D)
	$(Q)clang $(ALL_CFLAGS) $(FUZZ_FLAGS) -o $@ $^ $(INIH_LIBS) $(JANSSON_LIBS) $(SECCOMP_LIBS)
endef
$(BUILD)/fuzz_http: tests/fuzz/fuzz_http.c $(wildcard src/linux/http_*.c) src/spec/text.c src/spec/arena.c
	$(fuzz_link)
$(BUILD)/fuzz_notify: tests/fuzz/fuzz_notify.c src/linux/notify_message.c $(SPEC:%=src/spec/%.c)
	$(fuzz_link)
$(BUILD)/fuzz_%: tests/fuzz/fuzz_%.c $(fuzzed)
	$(fuzz_link)
# What they start from; libFuzzer adds to the first directory.
fuzz_ini_seeds     = conf
fuzz_seccomp_seeds = tests/fuzz/seccomp
fuzz_http_seeds    = tests/fuzz/http
fuzz_notify_seeds  = tests/fuzz/notify
fuzz: $(BUILD)/fuzz_ini $(BUILD)/fuzz_seccomp $(BUILD)/fuzz_http $(BUILD)/fuzz_notify
	$(Q)mkdir -p $(^:$(BUILD)/fuzz_%=$(BUILD)/fuzz/%)
	$(foreach f,$(^F),$(BUILD)/$f -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -verbosity=0 \
		-print_final_stats=1 -artifact_prefix=$(BUILD)/fuzz/ $(BUILD)/fuzz/$(f:fuzz_%=%) $($f_seeds) &&) true

# Kubernetes' own cases as data: the real binary, and the core alone on the virtual clock.
C = tests/conformance
$(BUILD)/actor: $(C)/actor.c $(C)/words.c $(C)/words.h
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(link_static) -o $@ $(filter %.c,$^) -lpthread
$(BUILD)/virtual: $(patsubst %,$(C)/%.c,virtual world servers words) $(wildcard $(C)/*.h) $(spec_o) $(core_o)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(filter %.c %.o,$^) $(INIH_LIBS)
conformance: all $(BUILD)/actor $(BUILD)/virtual
	$(PYTHON) $(C)/run $(BUILD)

e2e: all
	$(PYTHON) -m pytest -q tests/e2e

# podinit as the first process of a machine, in qemu: two machines at a time.
vm: all
	$(PYTHON) -m pytest -q -n 2 --dist loadfile tests/vm

test: deps
	$(Q)$(MAKE) --no-print-directory all
	$(Q)PYTHON='$(PYTHON)' tests/run.sh $(BUILD)

bench: all
	tests/bench/run.sh $(BUILD)

demo: deps
	$(Q)$(MAKE) --no-print-directory all
	$(Q)contrib/demo.sh

deps:
	$(Q)contrib/deps.sh

format:
	clang-format -i $(shell git ls-files '*.c' '*.h')
format-check:
	clang-format --dry-run -Werror $(shell git ls-files '*.c' '*.h')

install: all
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin \
		$(DESTDIR)$(PREFIX)/share/man/man8 $(DESTDIR)$(PREFIX)/share/man/man5 \
		$(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 $(BUILD)/podinit $(DESTDIR)$(PREFIX)/sbin/podinit
	install -m 755 $(BUILD)/podctl $(DESTDIR)$(PREFIX)/bin/podctl
	install -m 755 $(BUILD)/podconv $(DESTDIR)$(PREFIX)/bin/podconv
	install -m 755 $(BUILD)/podprobe $(DESTDIR)$(PREFIX)/sbin/podprobe
	install -d $(DESTDIR)$(PREFIX)/libexec/podinit
	install -m 755 $(BUILD)/pause $(DESTDIR)$(PREFIX)/libexec/podinit/pause
	ln -sf ../../sbin/podinit $(DESTDIR)$(PREFIX)/libexec/podinit/docker-init
	install -m 644 docs/podinit.8 $(DESTDIR)$(PREFIX)/share/man/man8/podinit.8
	install -m 644 $(BUILD)/podinit.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5/podinit.conf.5
	install -m 644 docs/podctl.1 $(DESTDIR)$(PREFIX)/share/man/man1/podctl.1
	install -m 644 docs/podconv.1 $(DESTDIR)$(PREFIX)/share/man/man1/podconv.1
	install -m 644 docs/podprobe.1 $(DESTDIR)$(PREFIX)/share/man/man1/podprobe.1

clean:
	rm -rf $(BUILD)

-include $(objects:.o=.d)

.PHONY: all unit sim sim-asan unit-asan fuzz conformance e2e vm test bench demo deps format format-check install clean
