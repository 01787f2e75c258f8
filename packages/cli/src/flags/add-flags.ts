import { type Command, Option } from 'commander'
import { flagOf } from './option-names.js'
import {
  alternativesOf,
  isJsonSchema,
  type JsonSchema,
  jsonSchemaOf,
  type OptionSchema,
  splitList,
} from './option-schema.js'

/** Adds a flag for each option that a command line can hold. Objects and lists of objects are for the `--config` file. */
export function addFlags(command: Command, schema: OptionSchema): Command {
  const inFileOnly: string[] = []
  for (const [name, option] of Object.entries(jsonSchemaOf(schema).properties ?? {})) {
    const flag = isJsonSchema(option) ? createFlag(name, option) : undefined
    if (flag === undefined) inFileOnly.push(name)
    else command.addOption(flag)
  }
  const more = inFileOnly.length === 0 ? '' : `, and with ${inFileOnly.join(', ')}`
  return command.option(
    '--config <file>',
    `JSON or YAML with the same options${more}; flags and COUNTERSIGN_* variables override it`,
  )
}

function createFlag(name: string, option: JsonSchema): Option | undefined {
  const flag = flagOf(name)
  const { description } = option
  switch (formOf(option)) {
    case 'switch':
      return new Option(flag, description)
    case 'value':
      return new Option(`${flag} <value>`, description)
    case 'list':
      return new Option(`${flag} <value...>`, description).argParser(
        (value: string, before: readonly string[] = []): string[] => [...before, ...splitList(value)],
      )
    case 'structure':
      return undefined
  }
}

/** How a command line holds the values of an option: not at all when they are structured. */
function formOf(option: JsonSchema): 'switch' | 'value' | 'list' | 'structure' {
  const all = alternativesOf(option)
  if (all.some(isStructured)) return 'structure'
  const types = new Set(all.flatMap(({ type }) => type ?? []))
  if (types.has('boolean')) return 'switch'
  return types.has('array') && !types.has('number') && !types.has('integer') ? 'list' : 'value'
}

function isStructured({ type, items }: JsonSchema): boolean {
  const isOfStrings = isJsonSchema(items) && !Array.isArray(items) && items.type === 'string'
  return type === 'object' || (type === 'array' && !isOfStrings)
}
