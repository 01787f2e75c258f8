import { readFileSync } from 'node:fs'
import { fileFault, UsageError } from '@countersign/fetch'
import { nearestName } from '@countersign/protocol'
import type { Command } from 'commander'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { problemOf } from './problem.js'

/** The options of one command: a zod object whose keys are the camel-cased flags. */
export type OptionSchema = z.ZodObject<z.ZodRawShape>

/**
 * Joins what was said in three places: a flag beats a `COUNTERSIGN_*` variable beats the `--config` file (JSON or YAML).
 * Development mode and observing are never variables: one that was left behind in an environment must not open a server.
 * @throws UsageError that names the option at fault and where it was said
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
  const { config: _, ...said } = flags
  const input = { ...file, ...variables, ...said }
  const result = schema.safeParse(input)
  if (result.success) return result.data
  const sources: Sources = {
    schema,
    input,
    flags: said,
    variables,
    file,
    ...(typeof configFile === 'string' ? { configFile } : {}),
  }
  // A misspelt name is why another is missing, as a rule.
  const { issues } = result.error
  const unknown = issues.filter(({ code }) => code === 'unrecognized_keys')
  throw new UsageError((unknown.length > 0 ? unknown : issues).map(issue => describe(issue, sources)).join('\n'))
}

interface Sources {
  readonly schema: OptionSchema
  /** All of it, as it was read. */
  readonly input: Record<string, unknown>
  readonly flags: Record<string, unknown>
  readonly variables: Record<string, unknown>
  readonly file: Record<string, unknown>
  readonly configFile?: string
}

function describe(issue: z.core.$ZodIssue, sources: Sources): string {
  if (issue.code === 'unrecognized_keys') {
    const inside = issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`
    const known = namesAt(sources.schema, issue.path)
    const told = issue.keys.map(key => `${key}${meantBy(key, known)}`)
    return `unknown option ${told.join(', ')}${inside}${whereFile(sources)}`
  }
  const name = String(issue.path[0] ?? '')
  const rest = issue.path.slice(1).join('.')
  const missing = !(name in sources.flags || name in sources.variables || name in sources.file)
  if (missing) return `--${kebab(name)} is required (or ${variableOf(name)}, or "${name}" in the --config file)`
  const where =
    name in sources.flags
      ? `--${kebab(name)}`
      : name in sources.variables
        ? variableOf(name)
        : `"${name}"${whereFile(sources)}`
  return `${where}${rest === '' ? '' : ` at ${rest}`}: ${problemOf(issue)}${meantValue(issue, sources.input)}`
}

function meantBy(name: unknown, known: readonly string[]): string {
  const nearest = typeof name === 'string' ? nearestName(name, known) : undefined
  return nearest === undefined ? '' : ` (did you mean ${nearest}?)`
}

/** Of a value that is none of those allowed, the one that was probably meant. */
function meantValue(issue: z.core.$ZodIssue, input: unknown): string {
  if (issue.code !== 'invalid_value') return ''
  const allowed = issue.values.filter(value => typeof value === 'string')
  return meantBy(valueAt(input, issue.path), allowed)
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, member) => Object(value)[member], input)
}

type JsonSchema = z.core.JSONSchema.BaseSchema

/** The names of members that an object at this place may have, whatever alternatives and records lie on the way. */
function namesAt(schema: OptionSchema, path: readonly PropertyKey[]): string[] {
  const root: JsonSchema = z.toJSONSchema(schema, { io: 'input' })
  const reached = path.reduce<JsonSchema[]>(
    (found, member) => found.flatMap(alternatives).flatMap(one => stepInto(one, String(member))),
    [root],
  )
  return reached.flatMap(alternatives).flatMap(({ properties = {} }) => Object.keys(properties))
}

function alternatives(schema: JsonSchema): JsonSchema[] {
  const { anyOf = [] } = schema
  return [schema, ...anyOf.filter(isSchema).flatMap(alternatives)]
}

function stepInto({ properties = {}, additionalProperties, items }: JsonSchema, member: string): JsonSchema[] {
  const own = Object.hasOwn(properties, member) ? properties[member] : additionalProperties
  return [own, items].flat().filter(isSchema)
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null
}

function whereFile(sources: Sources): string {
  return sources.configFile === undefined ? '' : ` in ${sources.configFile}`
}

function readFile(path: string): Record<string, unknown> {
  let content: unknown
  try {
    content = parseYaml(readFileSync(path, 'utf8'))
  } catch (cause) {
    // The parser's other lines quote the file, which may hold passwords, and on SIGHUP this goes to the log.
    const [why = ''] = cause instanceof Error ? cause.message.split(/:?\n/, 1) : ['unreadable']
    throw new UsageError(fileFault(cause) ?? `cannot read the configuration ${path}: ${why}`)
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw new UsageError(`${path} must hold one object`)
  return Object.fromEntries(Object.entries(content))
}

/** Options that open a server, or make a new one. */
const never: ReadonlySet<string> = new Set(['development', 'observe', 'init', 'replaceKeys'])

/** Variables hold strings: JSON where the option is not a string itself, else a comma-separated list or the string. */
function fromEnvironment(schema: OptionSchema, env: NodeJS.ProcessEnv): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const name of Object.keys(schema.shape)) {
    const text = env[variableOf(name)]
    if (text === undefined || text === '') continue
    if (never.has(name))
      throw new UsageError(`${variableOf(name)} is not read: say --${name}, or "${name}" in the --config file`)
    found[name] = variableValue(text)
  }
  return found
}

/** Variables that are no options: of other commands, and of the tests of this project. */
const others: ReadonlySet<string> = new Set([
  ...['CONFIG', 'DEBUG', 'STATE', 'TRACE'],
  ...['CHROMIUM', 'GATE', 'LONG', 'LTS', 'REDIS', 'REQUIRE', 'VECTORS'],
])

/**
 * A misspelt variable would leave its option at the default. One that resembles no option of this command may be another command's.
 * @throws UsageError
 */
function checkVariables(schema: OptionSchema, env: NodeJS.ProcessEnv): void {
  const names = Object.keys(schema.shape)
  const known = new Set(names.map(variableOf))
  for (const variable of Object.keys(env)) {
    const [, name = ''] = /^COUNTERSIGN_(.+)$/.exec(variable) ?? []
    if (name === '' || known.has(variable) || others.has(name)) continue
    const nearest = nearestName(name, names)
    if (nearest !== undefined)
      throw new UsageError(`${variable} is no option of this command (did you mean ${variableOf(nearest)}?)`)
  }
}

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

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

function variableOf(name: string): string {
  return `COUNTERSIGN_${kebab(name).replaceAll('-', '_').toUpperCase()}`
}

/** One string or several: `--auth-server A --auth-server B`, or a comma-separated variable. */
export const stringList: z.ZodType<string[]> = z
  .union([z.string(), z.array(z.string())])
  .transform(value => (typeof value === 'string' ? value.split(',').map(part => part.trim()) : value))

/** A TCP port; 0 lets the system choose. */
export const port: z.ZodType<number> = z.coerce.number().int().min(0).max(65_535)
