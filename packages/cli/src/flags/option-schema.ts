import { redisAddress } from '@countersign/redis/internal'
import { z } from 'zod'

/**
 * The options of one command, by their names in the `--config` file. The schema is the only list of them: flags, help, variables,
 * the checks of the file and its JSON schema are made from it.
 */
export type OptionSchema = z.ZodObject<z.ZodRawShape>

/** Part of a JSON schema. */
export type JsonSchema = z.core.JSONSchema.BaseSchema

/** A list of strings; on the command line `--auth-server A --auth-server B` or `--auth-server A,B`. */
export const stringList: z.ZodType<string[]> = z
  .union([z.string(), z.array(z.string())])
  .transform(value => (typeof value === 'string' ? splitList(value) : value))

/** The parts of a comma-separated list. */
export function splitList(text: string): string[] {
  return text.split(',').map(part => part.trim())
}

/** A TCP port; 0 lets the system choose. */
export const port: z.ZodType<number> = z.coerce.number().int().min(0).max(65_535)

/** The URL of a Redis, or of some nodes of a Redis Cluster. */
export const redisUrl: z.ZodType<string, string> = z.string().refine(isRedisUrl, {
  error: 'must be a URL such as redis://127.0.0.1:6379, or redis://HOST:PORT,HOST:PORT for a Redis Cluster',
})

function isRedisUrl(url: string): boolean {
  try {
    redisAddress(url)
    return true
  } catch {
    return false
  }
}

/** A switch that no variable sets: one left behind in an environment must not open a server, or make a new one. */
export function switchWithoutVariable(description: string): z.ZodDefault<z.ZodBoolean> {
  return z.boolean().default(false).meta({ description, noVariable: true })
}

/** Whether a variable may set an option. */
export function hasVariable(option: unknown): boolean {
  return option instanceof z.ZodType && option.meta()?.['noVariable'] !== true
}

/** The JSON schema of what may be in the `--config` file. */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    io: 'input',
    override({ jsonSchema }) {
      delete jsonSchema['noVariable']
    },
  })
}

/** A schema and the schemas of its `anyOf`, at any depth. */
export function alternativesOf(schema: JsonSchema): JsonSchema[] {
  const { anyOf = [] } = schema
  return [schema, ...anyOf.filter(isJsonSchema).flatMap(alternativesOf)]
}

export function isJsonSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null
}
