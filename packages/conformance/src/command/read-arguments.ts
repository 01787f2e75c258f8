import { type ParseArgsConfig, parseArgs } from 'node:util'
import { ConfigurationError } from '../config/configuration-error.js'
import { camelCase, type FlagValues, type SuiteCommand } from './flag.js'

/** What a command line asks of a command. */
export interface ReadArguments {
  readonly help: boolean
  readonly values: readonly string[]
  readonly flags: FlagValues
}

/** Reads the command line of a command. @throws ConfigurationError */
export function readArguments({ name, argument, flags }: SuiteCommand, args: readonly string[]): ReadArguments {
  const { help, values, read } = parsed(flagOptions(flags), args)
  const fits = argument.several === true ? values.length > 0 : values.length === 1
  if (!help && !fits)
    throw new ConfigurationError(
      `${name} takes ${argument.several === true ? 'at least one' : 'one'} argument: ${argument.text}`,
    )
  return { help, values, flags: Object.fromEntries(read.map(([flag, value]) => [camelCase(flag), value])) }
}

function flagOptions(flags: SuiteCommand['flags']): ParseArgsConfig['options'] {
  const options = flags.map(({ name, short, value, again }) => [
    name,
    {
      type: value === undefined ? 'boolean' : 'string',
      multiple: again ?? false,
      ...(short === undefined ? {} : { short }),
    },
  ])
  return { help: { type: 'boolean', short: 'h' }, ...Object.fromEntries(options) }
}

function parsed(options: ParseArgsConfig['options'], args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    const { help, ...read }: Readonly<Record<string, unknown>> = values
    return { help: help === true, values: positionals, read: Object.entries(read) }
  } catch (error) {
    if (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))
      throw new ConfigurationError(error.message)
    throw error
  }
}
