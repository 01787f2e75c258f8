import { expect, test } from 'vitest'
import { ConfigurationError } from '../config/configuration-error.js'
import { suiteCommands } from './commands.js'
import { readArguments } from './read-arguments.js'

const read = (name: string, args: readonly string[]) => {
  const command = suiteCommands.find(one => one.name === name)
  if (command === undefined) throw new TypeError(name)
  return readArguments(command, args)
}

test('flags are read by the names that the commands use, and may come again where they say so', () => {
  expect(
    read('resource', ['http://localhost:1', '--expected-failures', 'f', '--only=a', '--only', 'b', '--slow']),
  ).toEqual({
    help: false,
    values: ['http://localhost:1'],
    flags: { expectedFailures: 'f', only: ['a', 'b'], slow: true },
  })
})

test('what follows -- is the command of an agent, with its own flags', () => {
  const { values, flags } = read('agent', ['--seed', '7', '--', 'curl', '--fail', '-s', '{url}'])
  expect([values, flags]).toEqual([['curl', '--fail', '-s', '{url}'], { seed: '7' }])
})

test('-v is --verbose', () => {
  expect(read('agent-server', ['http://localhost:1', '-v']).flags).toEqual({ verbose: true })
})

test('help needs no argument', () => {
  expect(read('report', ['--help']).help).toBe(true)
})

test.each([
  ['resource', []],
  ['resource', ['a', 'b']],
  ['report', ['--html', 'page.html']],
  ['resource', ['a', '--unknown']],
  ['resource', ['a', '--seed']],
  ['resource', ['a', '--slow=yes']],
])('%s %j is started wrongly', (name, args) => {
  expect(() => read(name, args)).toThrow(ConfigurationError)
})
