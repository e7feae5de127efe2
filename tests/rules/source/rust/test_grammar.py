# SPDX-License-Identifier: GPL-2.0-or-later
from rules.source.rust.grammar import parse_bytes


def test_nodes_of_a_long_text_give_their_own_however_many_are_asked() -> None:
    calls = [b"a%d!( unsafe { f() } );\n" % number for number in range(2000)]
    tree = parse_bytes(b"".join(calls))

    assert tree is not None
    assert [call.strip() for call in calls] == [node.text for node in tree.root_node.children]
    assert b"".join(calls) == tree.root_node.text
