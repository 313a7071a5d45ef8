# Completion of sexton for bash: the program itself knows what may come next.

_sexton() {
    local typed=${COMP_LINE:0:COMP_POINT} word cur=${COMP_WORDS[COMP_CWORD]} candidate
    local -a words
    read -ra words <<<"$typed"
    [[ $typed == *[[:space:]] ]] && words+=('')
    word=${words[-1]}
    # Where readline breaks a word at = or @ or :, only what is behind is replaced.
    [[ $cur == [=:@] ]] && cur=
    [[ $word == *"$cur" ]] || cur=$word
    COMPREPLY=()
    while IFS=$'\t' read -r candidate _; do
        if [[ $candidate == :files ]]; then
            compopt -o filenames 2>/dev/null
            while IFS= read -r candidate; do COMPREPLY+=("$candidate"); done < <(compgen -f -- "$cur")
            continue
        fi
        candidate=${candidate#"${word%"$cur"}"}
        printf -v candidate %q "$candidate"
        COMPREPLY+=("$candidate")
    done < <("${words[0]}" complete "${words[@]:1}" 2>/dev/null)
}
complete -F _sexton sexton
