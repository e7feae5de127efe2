# SPDX-License-Identifier: GPL-2.0-or-later
"""Scan complete C files and hunks for declarations."""

import pytest

from rules.source.c.macros import remove_leading_calls
from rules.source.c.source import Declaration, Kind, scan
from tests.growth import assert_linear, repeated


def _declaration(text: str, name: str) -> Declaration:
    (declaration,) = scan(text).named(name)
    return declaration


@pytest.mark.parametrize(
    ("text", "kind", "signature"),
    [
        ("int lamp_on(struct lamp *lamp);", Kind.FUNCTION, "int lamp_on(struct lamp *)"),
        ("extern void lamp_on(void);", Kind.FUNCTION, "void lamp_on(void)"),
        ("extern int\nlamp_on(int a,\n\tint b);", Kind.FUNCTION, "int lamp_on(int, int)"),
        ("static inline bool lamp_on(u8 x)\n{\n\treturn x;\n}", Kind.INLINE, "static inline bool lamp_on(u8)"),
        ("static __always_inline int lamp_on(void) { return 0; }", Kind.INLINE, "static inline int lamp_on(void)"),
        ("__attribute__((a)) static inline int lamp_on(void)\n{\n}", Kind.INLINE, "static inline int lamp_on(void)"),
        ("__attr(1, 2) static int lamp_on(void)\n{\n}", Kind.STATIC, "static int lamp_on(void)"),
        ("static int lamp_on(void)\n{\n}", Kind.STATIC, "static int lamp_on(void)"),
        ("int __must_check lamp_on(const char *n) __printf(1, 2);", Kind.FUNCTION, "int lamp_on(const char *)"),
        (
            "struct a *__init __attribute__((cold)) lamp_on(int (*f)(struct a *a, void *d), void *d);",
            Kind.FUNCTION,
            "struct a *lamp_on(int (*)(struct a *, void *), void *)",
        ),
        ("int (lamp_on)(unsigned long int n);", Kind.FUNCTION, "int lamp_on(unsigned long)"),
        ("[[nodiscard]] int lamp_on(int a);", Kind.FUNCTION, "int lamp_on(int)"),
        ("int __attr(3) lamp_on(int a);", Kind.FUNCTION, "int lamp_on(int)"),
        ("__attr(3) int lamp_on(int a);", Kind.FUNCTION, "int lamp_on(int)"),
        ("void *lamp_on(int a) __attr(x) __other(y, z);", Kind.FUNCTION, "void *lamp_on(int)"),
        ("typeof(int) lamp_on(int a);", Kind.FUNCTION, "typeof(int) lamp_on(int)"),
        ("static inline int LAMP_FN(lamp_on)(int a)\n{\n}", Kind.INLINE, "static inline int LAMP_FN lamp_on(int)"),
        ("int lamp_on(__u32 a, uint8_t b, char name[16]);", Kind.FUNCTION, "int lamp_on(u32, u8, char *)"),
        ("int lamp_on(a, b)\nint a;\nchar *b;\n{\n}", Kind.FUNCTION, "int lamp_on(a, b)"),
        ("#define lamp_on 3", Kind.MACRO, "#define lamp_on 3"),
        ("#define lamp_on(x, y) \\\n\tdo_on(x, \\\n\t y)", Kind.MACRO_FUNCTION, "#define lamp_on(x, y)"),
        ("typedef unsigned int __bitwise lamp_on;", Kind.TYPEDEF, "typedef unsigned lamp_on"),
        ("typedef int (*lamp_on)(int);", Kind.TYPEDEF, "typedef int (*)(int) lamp_on"),
        ("typedef void (lamp_on)(struct a *);", Kind.TYPEDEF, "typedef void (struct a *) lamp_on"),
        ("extern struct lamp lamp_on;", Kind.VARIABLE, "struct lamp lamp_on"),
        ("struct lamp_on;", Kind.OPAQUE, "forward declaration lamp_on"),
        ("EXPORT_SYMBOL_GPL(lamp_on);", Kind.EXPORT, "export lamp_on"),
        ("SYSCALL_DEFINE1(lamp_on, int, fd)\n{\n}", Kind.FUNCTION, "long sys_lamp_on(int)"),
    ],
)
def test_a_declaration_has_its_kind_and_canonical_signature(text: str, kind: Kind, signature: str) -> None:
    (declaration,) = scan(text + "\n").declarations

    assert (kind, signature) == (declaration.kind, declaration.signature)


@pytest.mark.parametrize(
    ("parameters", "expected"), [("", ()), ("void", ()), ("void *", ("void *",)), ("int, ...", ("int", "..."))]
)
def test_a_function_has_the_types_of_its_parameters(parameters: str, expected: tuple[str, ...]) -> None:
    assert expected == _declaration(f"int lamp_on({parameters});\n", "lamp_on").parameters


def test_a_k_and_r_definition_on_one_line_declares_no_parameter() -> None:
    declarations = scan("int lamp_on(a, b) int a; char *b; {\n\treturn 0;\n}\nint lamp_off(int c);\n").declarations

    assert [("lamp_on", True), ("lamp_off", False)] == [
        (declaration.name, declaration.defined) for declaration in declarations
    ]


def test_a_struct_has_its_fields_with_types_and_conditions() -> None:
    text = """struct lamp {
    int level; /* of light; { */
    unsigned long a, *b;
    void (*set)(struct lamp *lamp, int level);
    struct {
        u8 red;
        union { u16 green; };
    };
    struct colour { u8 blue; } colour;
#ifdef CONFIG_LAMP_NAMES
    char name[16];
#endif
    unsigned int on:1;
    DECLARE_BITMAP(bits, 8);
} __packed;
"""

    members = {member.name: (member.type, member.conditions) for member in _declaration(text, "lamp").members}

    assert {
        "level": ("int", ()),
        "a": ("unsigned long", ()),
        "b": ("unsigned long *", ()),
        "set": ("void (*)(struct lamp *, int)", ()),
        "red": ("u8", ()),
        "green": ("u16", ()),
        "colour": ("struct colour", ()),
        "colour.blue": ("u8", ()),
        "name": ("char[16]", ("defined(CONFIG_LAMP_NAMES)",)),
        "on": ("unsigned : 1", ()),
        "bits": ("BITMAP(8)", ()),
    } == members


@pytest.mark.parametrize(
    "annotation",
    [
        *("__packed", "__aligned(8)", "__aligned(sizeof(u64)) __packed", "__attribute__((aligned(8), packed))"),
        *("[[gnu::aligned(8)]]", "alignas(8)", "__randomize_layout"),
    ],
)
def test_annotations_may_stand_before_a_tag(annotation: str) -> None:
    tagged = _declaration(f"struct {annotation} lamp {{\n\tint level;\n}};\n", "lamp")
    named = _declaration(f"typedef struct {annotation} {{\n\tint level;\n}} lamp_t;\n", "lamp_t")
    function = _declaration(f"struct lamp *{annotation} find(int x)\n{{\n\treturn x;\n}}\n", "find")

    assert [["level"], ["level"]] == [[member.name for member in read.members] for read in (tagged, named)]
    assert (Kind.FUNCTION, "struct lamp *") == (function.kind, function.type)


@pytest.mark.parametrize("macro", ["context_lock_struct", "struct_lock"])
def test_a_macro_may_open_a_struct(macro: str) -> None:
    members = _declaration(f"{macro}(mutex) {{\n\tint owner;\n}};\n", "mutex").members

    assert [("owner", "int")] == [(member.name, member.type) for member in members]


@pytest.mark.parametrize("words", ["static inline", "static __always_inline", "__must_check static inline"])
def test_a_function_whose_name_ends_like_such_a_macro_opens_no_struct(words: str) -> None:
    text = f"{words} struct lamp_struct *get_lamp_struct(struct lamp_struct *lamp)\n{{\n\treturn lamp;\n}}\n"

    assert [(Kind.INLINE, "get_lamp_struct")] == [(item.kind, item.name) for item in scan(text).declarations]


@pytest.mark.parametrize(
    "text", ["[[clang::always_inline]] int on(int a);\n", "int [[gnu::always_inline]] on(int a);\n"]
)
def test_a_standard_attribute_changes_no_linkage(text: str) -> None:
    assert [(Kind.FUNCTION, "on", "int")] == [(item.kind, item.name, item.type) for item in scan(text).declarations]


@pytest.mark.parametrize(
    ("tail", "members"),
    [
        ("day __guarded_x", ["day", "day.level"]),
        ("day __guarded_x(a, b)", ["day", "day.level"]),
        ("LAMP_ATTR(8)", ["level"]),
    ],
)
def test_an_unknown_annotation_after_a_struct_in_a_struct_is_no_name(tail: str, members: list[str]) -> None:
    lamp = _declaration(f"struct lamp {{\n\tstruct {{ int level; }} {tail};\n}};\n", "lamp")

    assert members == [member.name for member in lamp.members]


def test_braces_in_the_arguments_of_a_macro_do_not_end_it() -> None:
    text = """DEFINE_CLASS(lamp, struct lamp_class,
        if (_T.id) lamp_off(_T.id),
        ((struct lamp_class){
            .id = lamp_on(id, ptr),
        }),
        int id, void *ptr, int level);
int after(void);
"""

    assert ["class_lamp_constructor", "after"] == [declaration.name for declaration in scan(text).declarations]


def test_a_field_has_the_path_through_anonymous_members() -> None:
    text = """struct lamp {
    int level;
    union { u8 red; struct { u8 deep; struct named { union { u8 inner; }; } named; }; };
    struct_group(all,
        u8 first;
        union { u8 second; };
    );
    u8 after;
#ifdef CONFIG_LAMP
    union { u8 gated; };
#endif
    union { u8 last; };
};
"""
    first_anonymous, second_anonymous = "__bindgen_anon_1.", "__bindgen_anon_2."

    assert {
        "level": "",
        "red": first_anonymous,
        "deep": first_anonymous + first_anonymous,
        "named": first_anonymous + first_anonymous,
        "named.inner": first_anonymous,
        "first": second_anonymous + first_anonymous,
        "second": second_anonymous + first_anonymous + first_anonymous,
        "after": "",
        "gated": "__bindgen_anon.",
        "last": "__bindgen_anon.",
    } == {member.name: member.through for member in _declaration(text, "lamp").members}


def test_enumerators_have_the_values_that_c_gives_them() -> None:
    text = "enum lamp {\n\tOFF,\n\tON = 1 << 2,\n\tDIM,\n\tREMOTE = OTHER,\n\tFAR,\n\tSUM = ON | DIM,\n};\n"

    values = {
        declaration.name: declaration.type
        for declaration in scan(text).declarations
        if declaration.kind is Kind.CONSTANT
    }

    assert {"OFF": "0", "ON": "4", "DIM": "5", "REMOTE": "OTHER", "FAR": "OTHER + 1", "SUM": "5"} == values
    assert "lamp" == _declaration(text, "OFF").parent


def test_enumerators_under_a_condition_keep_their_values_and_lines() -> None:
    text = (
        "enum lamp {\n\tOFF,\n#ifdef CONFIG_X\n\tON,\n#endif\n\tMASK = F(1, 2) /* , */,\n\tNEXT,\n\n\tLAST = -1\n};\n"
    )

    constants = [declaration for declaration in scan(text).declarations if declaration.kind is Kind.CONSTANT]

    assert [
        ("OFF = 0", 2, ()),
        ("ON = 1", 4, ("defined(CONFIG_X)",)),
        ("MASK = F(1, 2)", 6, ()),
        ("NEXT = F(1, 2) + 1", 7, ()),
        ("LAST = -1", 9, ()),
    ] == [(constant.signature, constant.line, constant.conditions) for constant in constants]


Lines = tuple[int, int]


@pytest.mark.parametrize(
    ("text", "declarations"),
    [
        ('extern "C" {\nint a(void);\n}\n', [("int a(void)", (2, 2), False)]),
        (
            "struct lamp *lamps[] = {\n\t{ 1 },\n};\nint b;\nextern int c;\n",
            [("struct lamp *[] lamps", (1, 1), True), ("int b", (4, 4), False), ("int c", (5, 5), False)],
        ),
        ("int one, two[2];\n", [("int one", (1, 1), False), ("int[2] two", (1, 1), False)]),
        (
            "struct lamp {\n\tint a;\n} one, *two;\n",
            [
                ("struct lamp", (1, 3), True),
                ("struct lamp one", (1, 3), True),
                ("struct lamp * two", (1, 3), True),
            ],
        ),
        (
            "typedef struct {\n\tint a;\n} lamp_t, *lamp_p;\n",
            [("struct lamp_t", (1, 3), True), ("typedef struct {} * lamp_p", (1, 3), True)],
        ),
        ("enum { A } e;\n", [("A = 0", (1, 1), True), ("enum {} e", (1, 1), True)]),
        ("union u {\n\tint a;\n};\n", [("union u", (1, 3), True)]),
        ("union v;\nenum w;\n", [("forward declaration v", (1, 1), False), ("forward declaration w", (2, 2), False)]),
        (
            "struct lamp {\n#define LAMP_A 1\n\tint a;\n};\n",
            [("struct lamp", (1, 4), True), ("#define LAMP_A 1", (2, 2), True)],
        ),
        (
            "word\n#define X 1\nint f(int a,\n#ifdef A\n\tint b,\n#endif\n\tint c);\n",
            [("#define X 1", (2, 2), True), ("int f(int, int, int)", (3, 7), False)],
        ),
        (
            "int f(int a)\n\t__attribute__((x));\nvoid\ng(void)\n{\n}\n",
            [("int f(int)", (1, 2), False), ("void g(void)", (3, 6), True)],
        ),
        (
            "void f(int (*)(int), const int b, struct a [2], ...);\n",
            [("void f(int (*)(int), int, struct a *, ...)", (1, 1), False)],
        ),
        ("extern const volatile struct a *const b;\n", [("const volatile struct a * b", (1, 1), False)]),
        ("extern unsigned long b[4];\n", [("unsigned long[4] b", (1, 1), False)]),
        (
            "int f(long unsigned a, short int b, long long int c, unsigned int d, signed e);\n",
            [("int f(unsigned long, short, long long, unsigned, int)", (1, 1), False)],
        ),
        ("EXPORT_SYMBOL_GPL(f)\nint f(void);\n", [("export f", (1, 1), False), ("int f(void)", (2, 2), False)]),
        ("UNKNOWN(f);\nint f(void);\n", [("int f(void)", (2, 2), False)]),
        ("int 3(void);\nint f(void);\n", [("int f(void)", (2, 2), False)]),
    ],
)
def test_declarations_have_their_lines_and_are_definitions_or_not(
    text: str, declarations: list[tuple[str, Lines, bool]]
) -> None:
    assert declarations == [
        (declaration.signature, (declaration.line, declaration.last), declaration.defined)
        for declaration in scan(text).declarations
    ]


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        (
            "DEFINE_GUARD(lamp, struct lamp *, on(_T), off(_T))",
            "static inline class_lamp_t class_lamp_constructor(void)",
        ),
        ("DEFINE_LOCK_GUARD_1(lamp, struct lamp, on(_T))", "static inline class_lamp_t class_lamp_constructor(void)"),
        ("DEFINE_FREE(lamp, void *, off(_T))", "static inline void __free_lamp(void *)"),
        ("DEFINE_PER_CPU(int, lamp);", "DEFINE_PER_CPU lamp"),
        ("DECLARE_PER_CPU_ALIGNED(int, lamp);", "DECLARE_PER_CPU_ALIGNED lamp"),
        ("DEFINE_MUTEX(lamp);", "DEFINE_MUTEX lamp"),
        ("DECLARE_STATIC_KEY_FALSE(lamp);", "DECLARE_STATIC_KEY_FALSE lamp"),
        ("TRACE_EVENT(lamp,\n\tTP_PROTO(int a),\n\tTP_ARGS(a)\n);", "void rust_do_trace_lamp(int)"),
        ("DECLARE_TRACE(lamp, TP_PROTO(int a));", "void rust_do_trace_lamp(int)"),
        ("DEFINE_EVENT(class, lamp, TP_PROTO(int a));", "void rust_do_trace_lamp(int)"),
        ("COMPAT_SYSCALL_DEFINE2(lamp, int, fd, long int, b)\n{\n}", "long sys_lamp(int, long)"),
    ],
)
def test_a_well_known_macro_declares_a_name(text: str, signature: str) -> None:
    (declaration, after) = scan(f"{text}\nint after(void);\n").declarations

    assert signature == declaration.signature
    assert declaration.defined
    assert text.startswith(declaration.parent)
    assert declaration.parent
    assert "after" == after.name


def test_a_field_has_its_line_and_the_type_that_its_macro_or_declarator_gives() -> None:
    text = """struct lamp {
\tDECLARE_FLEX_ARRAY(u8, data);
\tDECLARE_HASHTABLE(table, 4);
\tUNKNOWN(a, b);
\tstruct_group_attr(group, __packed,
\t\tu8 a;
\t);
\tstruct_group_tagged(tag, other,
\t\tu8 b;
\t);
\tu8 c[2][3], *d, e:3;
\tenum { X, Y } f;

\tint (*call[2])(int);
};
"""
    through = "__bindgen_anon_{}.__bindgen_anon_1."

    assert [
        ("data", 2, "FLEX_ARRAY(u8)", ""),
        ("table", 3, "HASHTABLE(4)", ""),
        ("a", 6, "u8", through.format(1)),
        ("b", 9, "u8", through.format(2)),
        ("c", 11, "u8[2][3]", ""),
        ("d", 11, "u8 *", ""),
        ("e", 11, "u8 : 3", ""),
        ("f", 12, "enum {}", ""),
        ("call", 14, "int (*)(int)[]", ""),
    ] == [(member.name, member.line, member.type, member.through) for member in _declaration(text, "lamp").members]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("#\n\tint a;", ["a"]),
        ("\t{ int a; };\n\tint b;", ["b"]),
        ("\tint a;\n}\n\tint b;", ["a"]),
        ("struct { " * 18 + "int a;" + " };" * 18 + "\n\tint b;", ["b"]),
    ],
)
def test_a_damaged_or_deep_struct_keeps_the_fields_that_are_clear(body: str, names: list[str]) -> None:
    assert names == [member.name for member in _declaration(f"struct lamp {{\n{body}\n}};\n", "lamp").members]


def test_the_conditions_in_the_body_of_a_function_end_with_it() -> None:
    text = "int a(void)\n{\n#ifdef A\n\treturn 1;\n#else\n\treturn 2;\n#endif\n}\nint b(void);\n"

    assert [("a", ()), ("b", ())] == [
        (declaration.name, declaration.conditions) for declaration in scan(text).declarations
    ]


@pytest.mark.parametrize(
    ("lines", "conditions"),
    [
        ("#if defined (A) && \\\n    defined B", ("defined(A) && defined(B)",)),
        ("#if A || B\n#else", ("!(A || B)",)),
        ("#if !defined(A)\n#else", ("defined(A)",)),
        ("#if defined(__KERNEL__) && defined(A)", ("defined(A)",)),
        ("#if !defined(__ASSEMBLY__)", ()),
        ("#ifdef A\n#elifdef B\n#elifndef C\n#else", ("!defined(A) && !defined(B) && defined(C)",)),
        ("#ifdef A\n#ifdef A", ("defined(A)",)),
        ("#ifndef A", ("!defined(A)",)),
        ("#else", ()),
        ("#endif", ()),
        ("#ifndef CONFIG_A\n#define CONFIG_A\n#endif\n#pragma x", ()),
        ("#if A || B && C", ("A || B && C",)),
        ("#if 1 || B && C", ("1 || B && C",)),
        ("#if A || 1", ()),
        ("#if 1 && A", ("A",)),
        ("#if 1 && 2uL", ()),
        ("#if !0", ()),
        ("#if !(0)", ()),
        ("#if !defined(__cplusplus)", ()),
        ("#ifndef __CHECKER__", ()),
        ("#if A\n#elif 1", ("!A",)),
        ("#if A\n#elif 1 && B", ("!A && B",)),
        ("#if 0\n#else", ()),
        ("#if 0\n#elif A", ("A",)),
        ("#if 0\n#elif A\n#else", ("!A",)),
        ("#if A\n#elif 0\n#else", ("!A",)),
        ("#if A\n#elif 0\n#elif B", ("!A && B",)),
        ("#ifdef __ASSEMBLY__\n#elif A", ("A",)),
        ("#if A\n#elif defined(__ASSEMBLY__)\n#else", ("!A",)),
        ("#if A\n#elif defined(__KERNEL__)", ("!A",)),
        ("#if defined(__KERNEL__) || defined(A)", ()),
        ("#ifdef CONFIG_RUST", ()),
        ("#if IS_ENABLED(CONFIG_RUST) && A", ("A",)),
        ("#if 0x0\n#else", ()),
        ("#elif A", ("A",)),
        ("#if A\n#endif\n#endif", ()),
        ("#if A < B\n#else", ("!(A < B)",)),
        ("#if A(B)\n#else", ("!A(B)",)),
        ("#if !A && B\n#else", ("!(!A && B)",)),
    ],
)
def test_a_condition_is_read_without_its_constant_parts(lines: str, conditions: tuple[str, ...]) -> None:
    assert conditions == _declaration(f"{lines}\nint a(void);\n", "a").conditions


@pytest.mark.parametrize(
    "lines",
    [
        "#if 0",
        "#if 00UL",
        "#if !1",
        "#if A && 0",
        "#if 0 || __cplusplus",
        "#ifdef __cplusplus",
        "#if defined(__CHECKER__)",
        "#ifndef __GENKSYMS__\n#else",
        "#if 1\n#else",
        "#if 1\n#elif A",
        "#if 1\n#elif A\n#else",
        "#if A\n#elif 1\n#else",
        "#if A\n#elif 1\n#elif B",
        "#if A\n#elif 0",
        "#if 0\n#if A",
        "#ifndef __KERNEL__",
        "#if !defined(CONFIG_RUST)",
        "#if 0x0",
    ],
)
def test_what_no_compiler_reads_is_not_declared(lines: str) -> None:
    text = f"{lines}\nint a(void);\n#define B 1\n#include <c.h>\nstruct d {{\n\tint e;\n}};\n"
    ends = "#endif\n" * sum(line.startswith("#if") for line in lines.split("\n"))
    source = scan(f"{text}{ends}int f(void);\n")

    assert [declaration.name for declaration in source.declarations] == ["f"]
    assert source.includes == ()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("int a; // int b;\nint c(void);\n", ["a", "c"]),
        ("int a(void); // one \\\nint b(void);\nint c(void);\n", ["a", "c"]),
        ('char a[] = "/* int b(void); */";\nint c(void);\n', ["a", "c"]),
        ("int a(void); /* never ends\nint b(void);\n", ["a"]),
    ],
)
def test_what_a_comment_says_is_not_declared(text: str, names: list[str]) -> None:
    assert names == [declaration.name for declaration in scan(text).declarations if declaration.kind is not Kind.MACRO]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("\tint a;\nout:\n\treturn;\n}\nint b(void);\n", ["b"]),
        ("\tint a;\n#define B 1\nint c(void);\n", ["B", "c"]),
        ("\tint a;\n", []),
        ("\tint a;\n} b, *c;\nint d(void);\n", ["d"]),
        ("\tint a;\n} b;", []),
        ("out:", []),
        ("\treturn;\n# define B 1\n", ["B"]),
        ("err_free:  \n\tint a;\nint b(void);", ["b"]),
        ("struct a {\n\tint b;\n", []),
    ],
)
def test_a_hunk_begins_at_its_first_item(text: str, names: list[str]) -> None:
    assert names == [declaration.name for declaration in scan(text, is_complete=False).declarations]


def test_conditions_are_nested_and_exclude_header_guards() -> None:
    text = """#ifndef _LAMP_H
#define _LAMP_H
#if IS_ENABLED(CONFIG_LAMP) && defined(CONFIG_X)
int one(void);
#ifdef CONFIG_Y
int two(void);
#else
int three(void);
#endif
#elif defined CONFIG_Z
int four(void);
#else
int five(void);
#endif
#ifdef __KERNEL__
int six(void);
#endif
#ifndef seven
#define seven seven
#endif
#endif
"""
    base = "IS_ENABLED(CONFIG_LAMP) && defined(CONFIG_X)"

    conditions = {
        declaration.name: declaration.conditions
        for declaration in scan(text).declarations
        if declaration.name != "_LAMP_H"
    }

    assert {
        "one": (base,),
        "two": (base, "defined(CONFIG_Y)"),
        "three": (base, "!defined(CONFIG_Y)"),
        "four": (f"!({base}) && defined(CONFIG_Z)",),
        "five": (f"!({base}) && !defined(CONFIG_Z)",),
        "six": (),
        "seven": (),
    } == conditions


def test_a_struct_and_its_typedef_have_the_conditions_around_them() -> None:
    text = "#ifdef CONFIG_LAMP\ntypedef struct lamp {\n\tint b;\n} lamp_t;\nunion light {\n\tint b;\n} a;\n#endif\n"

    conditions = {declaration.name: declaration.conditions for declaration in scan(text).declarations}

    assert conditions == dict.fromkeys(("lamp", "lamp_t", "light", "a"), ("defined(CONFIG_LAMP)",))


@pytest.mark.parametrize(
    "body",
    [
        "{\n\treturn a(); }",
        "{\n\tif (a) {\n\t\treturn b;\n\t}\n\treturn c; };",
        "{ switch (a) {\ncase 1: return 2; } return 3; }",
        "{ return *a == '{'; }",
        '{ return a == "}" "\\"{"; }',
        "\n\t{\n\t\treturn a;\n\t}",
        "{ return 1; } static inline int lamp_off(void) { return 0; }",
        "{\nout:\n\treturn a; }",
        "{\n#ifdef A\n\treturn a; }\n#else\n\treturn b; }\n#endif",
        "{\n#ifdef A\n\tif (a) {\n#else\n\tif (b) {\n#endif\n\t}\n}",
    ],
)
@pytest.mark.parametrize(
    "below", ["int lamp_dim(int a);", "#define lamp_dim 1", "static inline int lamp_dim(void)\n{\n}"]
)
def test_the_body_of_a_function_may_end_at_the_end_of_a_line(body: str, below: str) -> None:
    names = {
        item.name for item in scan(f"static inline int lamp_on(void)\n{body}\n\n{below}\nint b(void);\n").declarations
    }

    assert {"lamp_on", "lamp_dim", "b"} <= names
    assert ("lamp_off" in names) == ("lamp_off" in body)


def test_a_declaration_after_braces_that_an_ifdef_unbalances_is_found() -> None:
    text = "int a(void)\n{\n#ifdef X\n\tif (b) {\n#else\n\tif (c) {\n#endif\n\t}\n}\nint d(void);\n"

    assert ["a", "d"] == [declaration.name for declaration in scan(text).declarations]


def test_a_hunk_declares_its_complete_items() -> None:
    text = "\treturn 0;\n}\n\nint lamp_on(int a);\nint lamp_off(int a,\n"

    assert ["lamp_on"] == [declaration.name for declaration in scan(text, 20, is_complete=False).declarations]
    assert 23 == scan(text, 20, is_complete=False).declarations[0].line


def test_a_hunk_may_begin_in_a_comment() -> None:
    assert ["b"] == [
        declaration.name for declaration in scan(" * int a(void);\n */\nint b(void);\n", is_complete=False).declarations
    ]


@pytest.mark.parametrize(
    "text", ["", "{", "}", "((((", "#", "#define", "struct {", "/*", '"', "enum x {", "\x00\n#if\n#else", "typedef"]
)
def test_truncated_text_raises_no_exception(text: str) -> None:
    assert scan(text).includes == ()


def test_includes_keep_their_quotes() -> None:
    assert ("<linux/a.h>", '"b.h"') == scan('#include <linux/a.h>\n# include "b.h"\n').includes


@pytest.mark.parametrize("unit", ["#if A\n", "#if A\n#elif B\n", "#elif A\n", "struct {\n", "union { struct {\n"])
def test_scanning_unclosed_nests_takes_linear_time(unit: str) -> None:
    for before in ("", "struct s {\n"):
        assert_linear(repeated(unit, before, "int a;\n"), scan, 25_000)


@pytest.mark.parametrize("unit", ["int f() {\n x; }\n", "int f() { x; } ", "int f() { if (a) { x; } } "])
def test_scanning_functions_that_end_at_the_end_of_a_line_takes_linear_time(unit: str) -> None:
    assert_linear(repeated(unit, "", "int a;\n"), scan, 8_000)


def test_conditions_of_a_deep_nest_are_followed() -> None:
    text = (
        "".join(f"#ifdef A{n}\n" for n in range(100)) + "#endif\n" * 99 + "int a(void);\n#else\nint b(void);\n#endif\n"
    )

    conditions = {declaration.name: declaration.conditions for declaration in scan(text).declarations}

    assert conditions == {"a": ("defined(A0)",), "b": ("!defined(A0)",)}


def test_a_parameter_that_begins_with_a_bracket_is_read() -> None:
    assert [declaration.name for declaration in scan("void f([3] x);\nint g(int, [);\n").declarations] == ["f", "g"]


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("extern const struct led red,\n\tgreen;\n", {"red": "const struct led", "green": "const struct led"}),
        ("extern struct led a, *b, c[3];\n", {"a": "struct led", "b": "struct led *", "c": "struct led[3]"}),
        ("typedef struct led led_t, *led_p;\n", {"led_t": "struct led", "led_p": "struct led *"}),
        ("extern unsigned long *a, b;\n", {"a": "unsigned long *", "b": "unsigned long"}),
        ("int f(void), g(int level);\n", {"f": "int", "g": "int"}),
    ],
)
def test_every_declarator_of_a_declaration_has_the_type_in_front(text: str, types: dict[str, str]) -> None:
    assert {declaration.name: declaration.type for declaration in scan(text).declarations} == types


@pytest.mark.parametrize(
    ("parameters", "is_clear"),
    [
        ("size_t size, gfp_t flags", True),
        ("int (*call)(void *), typeof(x) y", True),
        ("PARAMS(size, b), gfp_t f", False),
    ],
)
def test_a_parameter_that_is_the_call_of_a_macro_is_unclear(parameters: str, is_clear: bool) -> None:
    (declaration,) = scan(f"void f({parameters});\n").declarations

    assert declaration.is_clear is is_clear


def test_a_condition_that_begins_in_a_body_lasts_until_it_ends() -> None:
    text = "int a(void)\n{\n#ifdef A\n}\nint b(void);\n#else\nint c(void);\n#endif\nint d(void);\n"

    assert {declaration.name: declaration.conditions for declaration in scan(text).declarations} == {
        "a": (),
        "b": ("defined(A)",),
        "c": ("!defined(A)",),
        "d": (),
    }


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("CHECK(x)\n__must_check int f(void);\n", {"f": 1}),
        ("CHECK(x)\nint f(void);\n", {"f": 2}),
        ("CHECK(x) int f(void);\n", {"f": 1}),
        ("CHECK(x) OTHER(y)\nint f(void);\n", {"f": 2}),
        ("CHECK(x) ;\nint f(void);\n", {"f": 2}),
        ("CHECK(x)\n;\nint f(void);\n", {"f": 3}),
        ("word\n\n#define X 1\nint f(void);\n", {"X": 3, "f": 4}),
        ("struct ops a = {\n\t.f = ({ x; }),\n};\nint b(void);\n", {"a": 1, "b": 4}),
        ("struct ops a = {\n\t.f = ({ x; }),\n}", {"a": 1}),
        ("int a(void) { b(); } int c(void);\n", {"a": 1, "c": 1}),
        ("int a(void) {\n\tif (b) {\n\t}\n}\nint c(void);\n", {"a": 1, "c": 5}),
        ("int a(void) {\n\tb();\n", {"a": 1}),
        ("struct a {\n\tint b;\n} c\n", {"a": 1, "c": 1}),
        ("enum a { B, C } d, *e;\n", {"a": 1, "B": 1, "C": 1, "d": 1, "e": 1}),
        ("static struct a {\n\tint b;\n} c;\n", {"a": 1, "c": 1}),
        ("typedef struct a {\n\tint b;\n} a;\n", {"a": 1}),
        ("struct {\n\tint b;\n} c;\n", {"c": 1}),
        ("x }\nint b(void);\n", {"b": 2}),
        ("extern lamp;\nint b(void);\n", {"b": 2}),
    ],
)
def test_an_item_has_its_line_whatever_stands_before_it(text: str, lines: dict[str, int]) -> None:
    declarations = scan(text).declarations

    assert {declaration.name: declaration.line for declaration in declarations} == lines
    assert len(declarations) == len(lines)


@pytest.mark.parametrize(
    ("parameters", "types"),
    [
        ("int a, , int b", ("int", "", "int")),
        ("int a[2][3], struct b *c[]", ("int *", "struct b **")),
        ("const int a, int const b, const char *c, char *const d", ("int", "int", "const char *", "char *")),
        ("struct a, struct b c", ("struct a", "struct b")),
        ("unsigned, unsigned a", ("unsigned", "unsigned")),
        ("u8 a, u8", ("u8", "u8")),
        ("u8 \\\na, struct b \\\n*c", ("u8", "struct b *")),
        ("void (*a)(int, u8 *), int (*)(void)", ("void (*)(int, u8 *)", "int (*)()")),
    ],
)
def test_a_parameter_has_its_canonical_type(parameters: str, types: tuple[str, ...]) -> None:
    assert _declaration(f"void f({parameters});\n", "f").parameters == types


@pytest.mark.parametrize(
    ("field", "name", "c_type"),
    [
        ("struct b *a __on", "a", "struct b *"),
        ("struct b *a __on(1, c)", "a", "struct b *"),
        ("u8 a[2] ON(c)", "a", "u8[2]"),
        ("struct b * __on(c) a", "a", "struct b *"),
        ("struct b __on(1) *a", "a", "struct b *"),
        ("unsigned a:1 __on", "a", "unsigned : 1"),
        ("struct b __a", "__a", "struct b"),
        ("u32 A", "A", "u32"),
        ("const u32 __a", "__a", "const u32"),
    ],
)
def test_an_unknown_annotation_is_neither_the_name_nor_the_type_of_a_field(field: str, name: str, c_type: str) -> None:
    (member,) = _declaration(f"struct lamp {{\n\t{field};\n}};\n", "lamp").members

    assert (name, c_type) == (member.name, member.type)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("int __on(1) __f(int a);", "__f"),
        ("int __on(a, 2) __on(1) __f(int a);", "__f"),
        ("int __on(x) f(int a);", "f"),
        ("void __on(1) *__f(int a);", "__f"),
        ("int __f(int a[2]) __on(1);", "__f"),
        ("int __f(size_t) __on(1);", "__f"),
        ("int __f(void) __on(x);", "__f"),
    ],
)
def test_an_unknown_annotation_is_not_the_name_of_a_function(text: str, name: str) -> None:
    assert [name] == [declaration.name for declaration in scan(text).declarations]


def test_a_parameter_may_have_unknown_annotations() -> None:
    parameters = "struct a *b __on(1), struct a * __on(1) b, u32 b __on, u32 __on"

    assert ("struct a *", "struct a *", "u32", "u32") == _declaration(f"void f({parameters});\n", "f").parameters


def test_functions_that_take_functions_are_read_to_a_limit() -> None:
    def depth(levels: int) -> int:
        text = "int a"
        for _ in range(levels):
            text = f"void (*a)({text})"
        return _declaration(f"void f({text});\n", "f").parameters[0].count("(*)")

    assert [depth(levels) for levels in (1, 15, 16, 40)] == [1, 15, 16, 16]


def test_a_trace_event_of_a_macro_of_the_file_is_declared() -> None:
    text = (
        "#define LAMP_EVENT(name, proto) \\\n\tDEFINE_EVENT(lamps, name, TP_PROTO(proto));\n"
        "#define LAMP(name) name##_EVENT\n"
        "LAMP_EVENT(lamp_on, int level);\n"
        "LAMP_EVENT(lamp_off, int, level);\n"
        "LAMP(lamp_dim);\n"
    )

    functions = [declaration for declaration in scan(text).declarations if declaration.kind is Kind.FUNCTION]
    assert [(function.signature, function.line, function.parent) for function in functions] == [
        ("void rust_do_trace_lamp_on(int)", 4, "DEFINE_EVENT")
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("DEFINE_EVENT(lamp);", "rust_do_trace_lamp"),
        ("DEFINE_PER_CPU(lamp);", "lamp"),
        ("TRACE_EVENT_CONDITION(lamp, 1);", "rust_do_trace_lamp"),
        ("DEFINE_MUTEX();", None),
        ("DEFINE_MUTEX(3);", None),
        ("DEFINE_LAMP(lamp);", None),
    ],
)
def test_the_macro_of_a_name_may_lack_arguments(text: str, name: str | None) -> None:
    assert [declaration.name for declaration in scan(f"{text}\n").declarations] == ([name] if name else [])


def test_a_member_may_have_directives_inside() -> None:
    text = "struct lamp {\n\tint a,\n#ifdef A\n\t\tb,\n#endif\n\t\tc;\n#if 0\n\tint d;\n#endif\n\tint e;\n};\n"

    assert [(member.name, member.line) for member in _declaration(text, "lamp").members] == [
        ("a", 2),
        ("b", 2),
        ("c", 2),
        ("e", 10),
    ]


def test_a_nested_member_has_the_conditions_around_it() -> None:
    text = (
        "struct lamp {\n#ifdef A\n\tstruct b { int c; } d, e;\n\tenum { F } g;\n#endif\n\tenum h { I };\n\tu8 j;\n};\n"
    )

    assert [(member.name, member.type, member.conditions) for member in _declaration(text, "lamp").members] == [
        ("d", "struct b", ("defined(A)",)),
        ("e", "struct b", ("defined(A)",)),
        ("d.c", "int", ("defined(A)",)),
        ("e.c", "int", ("defined(A)",)),
        ("g", "enum {}", ("defined(A)",)),
        ("j", "u8", ()),
    ]


def test_many_unknown_calls_before_a_declaration_take_linear_time() -> None:
    tokens = repeated("A ( b ) ", "", "int lamp ( int a )")

    assert remove_leading_calls(tokens(8).split()) == ["int", "lamp", "(", "int", "a", ")"]
    assert_linear(lambda size: tokens(size).split(), remove_leading_calls, 20_000)
