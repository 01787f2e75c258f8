import { join } from 'node:path'
import { test } from 'vitest'
import { type Finished, root, runNode } from './processes.fixture.js'

// What `npm run chaos` says before it starts anything.

const chaos = (...args: readonly string[]): Promise<Finished> => runNode([join(root, 'chaos/dist/run.js'), ...args])

test.concurrent('npm run chaos -- --help names every option and every exit code', async ({ expect }) => {
  const { code, stdout, stderr } = await chaos('--help')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  for (const option of ['seed', 'minutes', 'faults', 'redis', 'history', 'sabotage', 'json', 'list', 'help'])
    expect(stdout).toMatch(new RegExp(`^  --${option}\\b`, 'm'))
  expect(stdout).toContain('Ends with 0 if every promise held, 1 if one did not, 2 if it could not run.')
})

test.concurrent('--list names faults, and sabotages with what each must break', async ({ expect }) => {
  const { code, stdout } = await chaos('--list')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^postgres-failover: /m)
  expect(stdout).toMatch(/^--sabotage forget-counts: .*; must fail: calls-counted, limit-holds$/m)
})

test.concurrent.for<readonly [what: string, args: readonly string[], says: RegExp]>([
  ['an option that does not exist', ['--sead', '1'], /'--sead'[\s\S]*usage: npm run chaos/],
  ['a seed that is no number', ['--seed', 'one'], /^usage: npm run chaos/],
  ['an unknown sabotage', ['--seed', '1', '--sabotage', 'strike'], /there is no sabotage strike: --list names them/],
])('%s is refused with exit code 2, and nothing is started', async ([, args, says], { expect }) => {
  const { code, stdout, stderr } = await chaos(...args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(says)
  expect(stderr).not.toContain('started in')
})
