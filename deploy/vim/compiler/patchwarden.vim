" SPDX-License-Identifier: GPL-2.0-or-later
" Vim compiler file: patchwarden, for patches of Rust for Linux
" :compiler patchwarden, then :make main.. at the top of the work tree

if exists('current_compiler')
  finish
endif
let current_compiler = 'patchwarden'

CompilerSet makeprg=patchwarden\ check\ --format\ errorformat\ --git\ .
" The level gives the type of an entry: error, warning, info or note. Other lines are messages of the program.
CompilerSet errorformat=%f:%l:%c:\ %t%*[a-z]:\ %m,%-G%.%#
