import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { addFlags } from './add-flags.js'
import { readConfiguration } from './configuration.js'
import { port, stringList } from './option-schema.js'

const schema = z.strictObject({
  id: z.string().describe('who it is'),
  port,
  level: z.enum(['low', 'high']).default('low'),
  tlsCert: z.url().optional(),
  authServers: stringList.default([]).describe('the issuers'),
  proxies: z.union([z.coerce.number(), stringList]).optional(),
  json: z.boolean().default(false),
  limits: z.partialRecord(z.enum(['low', 'high']), z.string()).optional(),
  routes: z.array(z.strictObject({ path: z.string() })).optional(),
})

function read(...args: readonly string[]): z.infer<typeof schema> {
  const command = addFlags(new Command(), schema)
  command.parse([...args], { from: 'user' })
  return readConfiguration(command, schema, {})
}

describe('the flags of a schema', () => {
  test('are switches for booleans, and take a value or a list for other options', () => {
    const { options } = addFlags(new Command(), schema)
    expect(options.map(({ flags }) => flags)).toEqual([
      '--id <value>',
      '--port <value>',
      '--level <value>',
      '--tls-cert <value>',
      '--auth-servers <value...>',
      '--proxies <value>',
      '--json',
      '--config <file>',
    ])
    expect(options[0]?.description).toBe('who it is')
  })

  test('do not hold objects: the help of --config names these options', () => {
    expect(addFlags(new Command(), schema).options.at(-1)?.description).toMatch(/, and with limits, routes;/)
  })

  test('of a list may be repeated, and hold several values separated by commas', () => {
    const own = ['--id', 'a', '--port', '0']
    expect(read(...own, '--auth-servers', 'a', '--auth-servers', 'b, c').authServers).toEqual(['a', 'b', 'c'])
    expect(read(...own, '--auth-servers', 'a', 'b').authServers).toEqual(['a', 'b'])
    expect(read(...own).authServers).toEqual([])
  })

  test('keep the form of their values', () => {
    const own = ['--id', 'a', '--port', '0']
    expect(read(...own, '--proxies', '2', '--json')).toMatchObject({ port: 0, proxies: 2, json: true, level: 'low' })
    expect(read(...own, '--proxies', '10.0.0.1,10.0.0.2').proxies).toEqual(['10.0.0.1', '10.0.0.2'])
  })
})
