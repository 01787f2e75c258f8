import { nearestName } from '@countersign/protocol/internal'
import type { Command, CommanderError } from 'commander'

/**
 * Describes what is wrong with a command line, in one line.
 * @param command the command that refused it
 * @param whole the program with all its commands and flags, to find a flag of another command
 */
export async function describeMistake(
  error: CommanderError,
  command: Command,
  whole: () => Command | Promise<Command>,
): Promise<string> {
  const path = pathOf(command)
  const said = error.message.replace(/^error: /, '').replace(/\n\(Did you mean (.*)\?\)$/, ' (did you mean $1?)')
  const more = `; ${path} --help says what it takes`
  const [, flag] = /^unknown option '([^']+)'$/.exec(said) ?? []
  if (flag !== undefined) return `${said}${commandsWithFlag(flag, command, await whole())}${more}`
  const [first] = command.args
  if (error.code === 'commander.excessArguments' && command.commands.length > 0 && first !== undefined)
    return `${path} has no command '${first}'${suggestCommand(first, command)}${more}`
  return `${said.replace(/\.$/, '')}${more}`
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}

function suggestCommand(word: string, { commands }: Command): string {
  const nearest = nearestName(
    word,
    commands.map(one => one.name()),
  )
  return nearest === undefined ? '' : ` (did you mean ${nearest}?)`
}

/** Names a command that has this flag; commands under the same parent come first. */
function commandsWithFlag(flag: string, command: Command, whole: Command): string {
  const all = [whole, ...subcommands(whole)].filter(one => hasFlag(one, flag)).map(pathOf)
  const near = all.filter(path => command.parent !== null && path.startsWith(`${pathOf(command.parent)} `))
  const [first] = near.length > 0 && command.parent?.parent !== null ? near : all
  return first === undefined ? '' : ` (it is one of ${first})`
}

function subcommands({ commands }: Command): Command[] {
  return commands.flatMap(one => [one, ...subcommands(one)])
}

function hasFlag({ options }: Command, flag: string): boolean {
  const [name = ''] = flag.split('=', 1)
  return options.some(({ long, short }) => long === name || short === name)
}
