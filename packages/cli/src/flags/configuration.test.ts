import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from '@countersign/fetch/internal'
import { verifies } from '@countersign/requirements'
import { temporaryFolder } from '@countersign/testing/folders'
import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { readConfiguration } from './configuration.js'
import { stringList, switchWithoutVariable } from './option-schema.js'

const folder = temporaryFolder()

const schema = z.strictObject({
  id: z.string(),
  scope: stringList.optional(),
  development: switchWithoutVariable('development mode'),
})

function read(flags: readonly string[], env: Record<string, string>, file?: object): z.infer<typeof schema> {
  const path = join(mkdtempSync(join(folder, 'one-')), 'config.json')
  writeFileSync(path, JSON.stringify(file ?? {}))
  const command = new Command()
    .option('--id <id>')
    .option('--scope <scope...>')
    .option('--development')
    .option('--config <file>')
  command.parse([...flags, '--config', path], { from: 'user' })
  return readConfiguration(command, schema, env)
}

test('the error of an unreadable file has its path and line, not its text: it may hold passwords', () => {
  const path = join(folder, 'broken.yaml')
  writeFileSync(path, 'id: x\nreplay: redis://:hunter2@localhost: 6379\n')
  const command = new Command().option('--config <file>')
  command.parse(['--config', path], { from: 'user' })
  const reading = () => readConfiguration(command, schema, {})
  expect(reading).toThrow(/broken\.yaml: .* at line 2, column \d+$/)
  expect(reading).not.toThrow(/hunter2/)
})

test('a flag overrides a variable, which overrides the file', () => {
  expect(read([], {}, { id: 'file' }).id).toBe('file')
  expect(read([], { COUNTERSIGN_ID: 'variable' }, { id: 'file' }).id).toBe('variable')
  expect(read(['--id', 'flag'], { COUNTERSIGN_ID: 'variable' }, { id: 'file' }).id).toBe('flag')
  expect(read(['--id', 'x'], { COUNTERSIGN_SCOPE: 'a, b' }).scope).toEqual(['a', 'b'])
  expect(() => read([], {}, { id: 'x', idd: 'y' })).toThrow(UsageError)
})

test(
  verifies('id.development.explicit', 'development mode is set by a flag or a file, never by the environment'),
  () => {
    expect(read(['--id', 'x'], {}).development).toBe(false)
    expect(read(['--id', 'x', '--development'], {}).development).toBe(true)
    expect(read(['--id', 'x'], {}, { development: true }).development).toBe(true)
    for (const said of ['true', 'false', '1'])
      expect(() => read(['--id', 'x'], { COUNTERSIGN_DEVELOPMENT: said })).toThrow(UsageError)
  },
)

test('observing is set by a flag or a file, never by the environment: it opens a gateway to everybody', () => {
  const observing = z.strictObject({ observe: switchWithoutVariable('let everything through') })
  const command = new Command().option('--observe')
  expect(readConfiguration(command.parse(['--observe'], { from: 'user' }), observing, {})).toEqual({ observe: true })
  const bare = new Command().option('--observe').parse([], { from: 'user' })
  expect(readConfiguration(bare, observing, {})).toEqual({ observe: false })
  expect(() => readConfiguration(bare, observing, { COUNTERSIGN_OBSERVE: 'true' })).toThrow(UsageError)
})

describe('a slip in a file', () => {
  const nested = z.strictObject({
    level: z.enum(['identified', 'authorized']).optional(),
    routes: z.array(z.strictObject({ path: z.string(), mcp: z.record(z.string(), schema).optional() })).optional(),
    agents: z.union([z.literal('any'), z.strictObject({ allow: z.string() })]).optional(),
  })
  const told = (file: object): string => {
    const path = join(mkdtempSync(join(folder, 'one-')), 'config.yaml')
    writeFileSync(path, JSON.stringify(file))
    const command = new Command().option('--config <file>').parse(['--config', path], { from: 'user' })
    try {
      readConfiguration(command, nested, {})
      return 'read'
    } catch (error) {
      expect(error).toBeInstanceOf(UsageError)
      return (error as UsageError).message.replaceAll(path, 'FILE')
    }
  }

  test('in a name is an error with the name that was probably meant, at any depth', () => {
    expect(told({ levle: 'identified' })).toBe('unknown option levle (did you mean level?) in FILE')
    expect(told({ routes: [{ path: '/' }, { path: '/', mpc: {} }] })).toBe(
      'unknown option mpc (did you mean mcp?) at routes.1 in FILE',
    )
    expect(told({ routes: [{ path: '/', mcp: { add: { id: 'x', scopes: 'y' } } }] })).toBe(
      'unknown option scopes (did you mean scope?) at routes.0.mcp.add in FILE',
    )
    expect(told({ colour: 'red' })).toBe('unknown option colour in FILE')
    expect(told({ level: 'identified', routes: [{ path: '/', mcp: { add: { id: 'x' } } }] })).toBe('read')
  })

  test('in a value is an error with the value that was probably meant', () => {
    expect(told({ level: 'authorised' })).toMatch(/^"level" in FILE: .*\(did you mean authorized\?\)$/)
    expect(told({ level: 'authorized' })).toBe('read')
  })
})

test('a misspelt variable is an error with the name that was probably meant; one of another command is ignored', () => {
  expect(() => read([], { COUNTERSIGN_ID: 'a', COUNTERSIGN_SCOPES: 'b' })).toThrow(
    'COUNTERSIGN_SCOPES is not an option of this command (did you mean COUNTERSIGN_SCOPE?)',
  )
  expect(read([], { COUNTERSIGN_ID: 'a', COUNTERSIGN_SCOPE: 'b' })).toMatchObject({ scope: ['b'] })
  const env = { COUNTERSIGN_ID: 'a', COUNTERSIGN_UPSTREAM: 'x', COUNTERSIGN_STATE: 'y', COUNTERSIGN_LONG: '1' }
  expect(read([], env)).toMatchObject({ id: 'a' })
})
