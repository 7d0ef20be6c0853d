# Completion of the Flurfunk client for bash: source this file.
_flurfunk() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    COMPREPLY=()
    case "$before" in
        --name) : ;;
        --room) : ;;
        --password-file) COMPREPLY=($(compgen -f -- "$word")) ;;
        --tls-ca) COMPREPLY=($(compgen -f -- "$word")) ;;
        --language) COMPREPLY=($(compgen -W "de en" -- "$word")) ;;
        --editor) COMPREPLY=($(compgen -W "full plain" -- "$word")) ;;
        --history) : ;;
        --ping-after) : ;;
        *) COMPREPLY=($(compgen -W "-h --help --version --name --room --password-file --tls --no-tls --tls-ca --language --editor --times --no-times --bell --no-bell --colours --no-colours --reconnect --no-reconnect --history --ping-after" -A hostname -- "$word")) ;;
    esac
}
complete -F _flurfunk flurfunk client.py
