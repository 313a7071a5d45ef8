# Completion of sexton for fish: the program itself knows what may come next.

function __sexton_complete
    set -l typed (commandline -opc)
    set -l word (commandline -ct)
    for line in ($typed[1] complete $typed[2..-1] "$word" 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path (string replace -r '^--[a-z-]*=' '' -- "$word")
        else
            echo $line
        end
    end
end

complete -c sexton -f -a '(__sexton_complete)'
