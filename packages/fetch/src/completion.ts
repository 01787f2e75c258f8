import type { Command } from 'commander'
import { UsageError } from './usage-error.js'

/** A command and the words that may follow it. */
interface CommandWords {
  /** The full command, such as `countersign keys new`. */
  readonly path: string
  readonly commands: readonly string[]
  readonly flags: readonly string[]
}

function listCommands(command: Command, path: string): CommandWords[] {
  const flags = command.options.flatMap(({ long, short }) => [long, short]).filter(flag => typeof flag === 'string')
  const commands = command.commands.map(one => one.name())
  const below = command.commands.flatMap(one => listCommands(one, `${path} ${one.name()}`))
  return [{ path, commands, flags: [...flags, '--help'] }, ...below]
}

/**
 * Returns a script that completes a command line in a shell.
 * @throws UsageError for a shell other than bash, zsh and fish
 */
export function completionScript(shell: string, root: Command): string {
  const name = root.name()
  const levels = listCommands(root, name)
  if (shell === 'bash') return bashScript(name, levels)
  if (shell === 'zsh') return `${zshHead}${bashScript(name, levels)}`
  if (shell === 'fish') return fishScript(name, levels)
  throw new UsageError(`there are completions for bash, zsh and fish; got ${JSON.stringify(shell)}`)
}

/** Starts the completion system of zsh if it is not running: `bashcompinit` needs it. */
const zshHead = `(( $+functions[compdef] )) || { autoload -U compinit && compinit; }
autoload -U +X bashcompinit && bashcompinit
`

/** A script for bash. Zsh reads it too, but without arithmetic in `${list[@]:from:count}`, so the script does without. */
function bashScript(name: string, levels: readonly CommandWords[]): string {
  const id = `_${name.replaceAll('-', '_')}`
  const paths = levels.slice(1).map(({ path }) => `'${path}'`)
  const cases = levels.map(
    ({ path, commands, flags }) => `    '${path}') words='${[...commands, ...flags].join(' ')}' ;;`,
  )
  const known = paths.length === 0 ? '' : `    case "$path $word" in ${paths.join('|')}) path="$path $word" ;; esac\n`
  return `${id}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} path='${name}' words='' word at
  for ((at = 1; at < COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
${known}  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F ${id} ${name}
`
}

function fishScript(name: string, levels: readonly CommandWords[]): string {
  const lines = levels.flatMap(({ path, commands, flags }) => {
    const words = path.split(' ').slice(1)
    const here = [
      ...words.map(word => `__fish_seen_subcommand_from ${word}`),
      ...(commands.length === 0 ? [] : [`not __fish_seen_subcommand_from ${commands.join(' ')}`]),
    ].join('; and ')
    const condition = here === '' ? '' : ` -n '${here}'`
    return [
      ...commands.map(word => `complete -c ${name}${condition} -a ${word}`),
      ...flags.map(
        flag =>
          `complete -c ${name}${condition} ${flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`}`,
      ),
    ]
  })
  return `${lines.join('\n')}\n`
}

/** Adds the command `completion`. @param whole the program with all its commands and flags */
export function addCompletion(parent: Command, whole: () => Command | Promise<Command> = () => parent): void {
  parent
    .command('completion')
    .description('print a script that completes this command in a shell')
    .argument('<shell>', 'bash, zsh or fish')
    .addHelpText('after', completionHelp(parent.name()))
    .action(async (shell: string) => {
      process.stdout.write(completionScript(shell, await whole()))
    })
}

function completionHelp(name: string): string {
  return `
  bash   source <(${name} completion bash)
  zsh    source <(${name} completion zsh)
  fish   ${name} completion fish | source
`
}
