import { exitHelp, reportHelp, suiteCommands } from './commands.js'
import type { Flag, SuiteCommand } from './flag.js'

/** What `--help` says of the whole program. */
export function programHelp(program: string): string {
  return [
    `Usage: ${program} COMMAND ARGUMENT… [flags]`,
    '',
    'Judges any participant from outside, clause by clause.',
    reportHelp,
    '',
    'Commands:',
    ...columns(suiteCommands.map(({ name, text }) => [name, text])),
    '',
    `${program} COMMAND --help says more; --version prints the version.`,
    exitHelp,
  ].join('\n')
}

/** What `--help` says of one command. */
export function commandHelp(program: string, { name, text, argument, flags }: SuiteCommand): string {
  return [
    `Usage: ${program} ${name} [flags] ${name === 'agent' ? '-- ' : ''}${argument.name.toUpperCase()}${argument.several === true ? '…' : ''}`,
    '',
    text,
    '',
    ...columns([[argument.name.toUpperCase(), argument.text], ...flags.map(flagRow)]),
    exitHelp,
  ].join('\n')
}

function flagRow({ name, short, value, text }: Flag): readonly [string, string] {
  return [
    `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value.toUpperCase()}`}`,
    text,
  ]
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([first]) => first.length)) + 2
  return rows.map(([first, second]) => `  ${first.padEnd(width)}${second}`)
}
