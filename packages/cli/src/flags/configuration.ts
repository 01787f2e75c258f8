import { readFileSync } from 'node:fs'
import { fileFault, UsageError } from '@countersign/fetch/internal'
import { nearestName } from '@countersign/protocol/internal'
import type { Command } from 'commander'
import { parse as parseYaml } from 'yaml'
import type { z } from 'zod'
import { flagOf, variableOf } from './option-names.js'
import {
  alternativesOf,
  hasVariable,
  isJsonSchema,
  type JsonSchema,
  jsonSchemaOf,
  type OptionSchema,
} from './option-schema.js'
import { problemOf } from './problem.js'

/**
 * Reads the options of a command: a flag overrides a `COUNTERSIGN_*` variable, which overrides the `--config` file (JSON or YAML).
 * @throws UsageError that names each wrong option, and the flag, variable or file that it is in
 */
export function readConfiguration<S extends OptionSchema>(
  command: Command,
  schema: S,
  env: NodeJS.ProcessEnv,
): z.infer<S> {
  const flags = command.opts<Record<string, unknown>>()
  checkVariables(schema, env)
  const variables = fromEnvironment(schema, env)
  const configFile = flags['config'] ?? env['COUNTERSIGN_CONFIG']
  const file = typeof configFile === 'string' ? readFile(configFile) : {}
  const { config: _, ...given } = flags
  const input = { ...file, ...variables, ...given }
  const result = schema.safeParse(input)
  if (result.success) return result.data
  const sources: Sources = {
    schema,
    input,
    flags: given,
    variables,
    file,
    configFile: typeof configFile === 'string' ? configFile : undefined,
  }
  // Only these when there are any: an option is usually missing because its name is misspelt.
  const { issues } = result.error
  const unknown = issues.filter(({ code }) => code === 'unrecognized_keys')
  throw new UsageError((unknown.length > 0 ? unknown : issues).map(issue => describe(issue, sources)).join('\n'))
}

interface Sources {
  readonly schema: OptionSchema
  /** The options of all sources, before they are checked. */
  readonly input: Record<string, unknown>
  readonly flags: Record<string, unknown>
  readonly variables: Record<string, unknown>
  readonly file: Record<string, unknown>
  readonly configFile: string | undefined
}

function describe(issue: z.core.$ZodIssue, sources: Sources): string {
  if (issue.code === 'unrecognized_keys') {
    const inside = issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`
    const known = namesAt(sources.schema, issue.path)
    const names = issue.keys.map(key => `${key}${meantBy(key, known)}`)
    return `unknown option ${names.join(', ')}${inside}${whereFile(sources)}`
  }
  const name = String(issue.path[0] ?? '')
  const rest = issue.path.slice(1).join('.')
  const missing = !(name in sources.flags || name in sources.variables || name in sources.file)
  if (missing) return `${flagOf(name)} is required (or ${variableOf(name)}, or "${name}" in the --config file)`
  const where =
    name in sources.flags
      ? flagOf(name)
      : name in sources.variables
        ? variableOf(name)
        : `"${name}"${whereFile(sources)}`
  return `${where}${rest === '' ? '' : ` at ${rest}`}: ${problemOf(issue)}${meantValue(issue, sources.input)}`
}

function meantBy(name: unknown, known: readonly string[]): string {
  const nearest = typeof name === 'string' ? nearestName(name, known) : undefined
  return nearest === undefined ? '' : ` (did you mean ${nearest}?)`
}

/** The allowed value that was probably meant. */
function meantValue(issue: z.core.$ZodIssue, input: unknown): string {
  if (issue.code !== 'invalid_value') return ''
  const allowed = issue.values.filter(value => typeof value === 'string')
  return meantBy(valueAt(input, issue.path), allowed)
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, member) => Object(value)[member], input)
}

/** The member names that an object at this path may have. */
function namesAt(schema: OptionSchema, path: readonly PropertyKey[]): string[] {
  const reached = path.reduce<JsonSchema[]>(
    (found, member) => found.flatMap(alternativesOf).flatMap(one => stepInto(one, String(member))),
    [jsonSchemaOf(schema)],
  )
  return reached.flatMap(alternativesOf).flatMap(({ properties = {} }) => Object.keys(properties))
}

function stepInto({ properties = {}, additionalProperties, items }: JsonSchema, member: string): JsonSchema[] {
  const own = Object.hasOwn(properties, member) ? properties[member] : additionalProperties
  return [own, items].flat().filter(isJsonSchema)
}

function whereFile(sources: Sources): string {
  return sources.configFile === undefined ? '' : ` in ${sources.configFile}`
}

function readFile(path: string): Record<string, unknown> {
  let content: unknown
  try {
    content = parseYaml(readFileSync(path, 'utf8'))
  } catch (cause) {
    // Only the first line: the others quote the file, which may hold passwords, and after SIGHUP this text is logged.
    const [why = ''] = cause instanceof Error ? cause.message.split(/:?\n/, 1) : ['unreadable']
    throw new UsageError(fileFault(cause) ?? `cannot read the configuration ${path}: ${why}`)
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw new UsageError(`${path} must hold one object`)
  return Object.fromEntries(Object.entries(content))
}

/** The options that variables set. */
function fromEnvironment(schema: OptionSchema, env: NodeJS.ProcessEnv): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const [name, option] of Object.entries(schema.shape)) {
    const text = env[variableOf(name)]
    if (text === undefined || text === '') continue
    if (!hasVariable(option))
      throw new UsageError(`${variableOf(name)} is not read: use ${flagOf(name)}, or "${name}" in the --config file`)
    found[name] = variableValue(text)
  }
  return found
}

/** Variables that are not options of servers: of other commands, and of the tests of this project. */
const otherVariables: ReadonlySet<string> = new Set([
  'CLUSTER',
  'CONFIG',
  'DEBUG',
  'STATE',
  'TRACE',
  'CHROMIUM',
  'GATE',
  'LONG',
  'LTS',
  'REDIS',
  'REQUIRE',
  'VECTORS',
])

/**
 * Refuses misspelt variables: they would leave their options at the defaults. A variable that resembles no option of this command
 * may belong to another one.
 * @throws UsageError that names the variable that was probably meant
 */
function checkVariables(schema: OptionSchema, env: NodeJS.ProcessEnv): void {
  const names = Object.keys(schema.shape)
  const known = new Set(names.map(variableOf))
  for (const variable of Object.keys(env)) {
    const [, name = ''] = /^COUNTERSIGN_(.+)$/.exec(variable) ?? []
    if (name === '' || known.has(variable) || otherVariables.has(name)) continue
    const nearest = nearestName(name, names)
    if (nearest !== undefined)
      throw new UsageError(`${variable} is not an option of this command (did you mean ${variableOf(nearest)}?)`)
  }
}

/** JSON for numbers, booleans, lists and objects; any other text is the value itself. */
function variableValue(text: string): unknown {
  if (/^[[{]/.test(text) || text === 'true' || text === 'false' || /^\d+$/.test(text)) {
    try {
      return JSON.parse(text)
    } catch {
      return text
    }
  }
  return text
}
