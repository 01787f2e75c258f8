import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { allCases } from '@countersign/conformance'
import { expect, test } from 'vitest'
import { chooseMutants } from '../../scripts/mutants/choose.mjs'
import { committedList, currentMutants, knownSurvivors, unknownMutants } from '../../scripts/mutants/list.mjs'
import { root } from '../processes.fixture.js'
import { authServerMutants } from './auth-server-mutants.fixture.js'
import { boundMutants } from './bound-mutants.fixture.js'
import {
  agentMutants,
  agentServerMutants,
  enrolmentMutants,
  gatewayMutants,
  resourceMutants,
} from './mutants.fixture.js'
import { mutants } from './mutants-command.fixture.js'
import { policyMutants } from './policy-mutants.fixture.js'

const list = committedList()
const isUnseen = ({ cases, tests }: (typeof list)[number]): boolean => Object.keys(cases).length + tests.length === 0

test('the list of mutants is that of the checks of today', () => {
  // After a change of checks: npm run build && npm run mutants -- --write
  const current = currentMutants()
  expect(unknownMutants(current).map(({ id }) => id)).toEqual([])
  expect(list.map(({ id }) => id)).toEqual(current.map(({ id }) => id))
})

test('those that survive are mutants of today', () => {
  const ids = new Set(list.map(({ id }) => id))
  expect([...knownSurvivors()].filter(id => !ids.has(id))).toEqual([])
})

test('no check is added without a case or a test that can see it', () => {
  expect(list.filter(isUnseen).map(({ id }) => id)).toEqual([])
})

test('each mutant has a name of its own, and changes its check', () => {
  expect(list.length).toBeGreaterThan(800)
  expect(new Set(list.map(({ id }) => id)).size).toBe(list.length)
  expect(list.filter(({ check, instead }) => check === instead)).toEqual([])
})

test('the cases that are named are cases of the suite, and the tests are in the repository', () => {
  const known = new Set(allCases().map(({ role, id }) => `${role} ${id}`))
  const named = list.flatMap(({ cases }) =>
    Object.entries(cases).flatMap(([role, ids]) => ids.map(id => `${role} ${id}`)),
  )
  expect(named.filter(one => !known.has(one))).toEqual([])
  const files = new Set(list.flatMap(({ tests }) => tests.map(({ file }) => file)))
  expect([...files].filter(file => !existsSync(join(root, file)))).toEqual([])
})

test.each([
  ['httpsig/signature/verify:sig.headers.tag:removed', 'sig.headers.tag'],
  ['httpsig/digest/content-digest:sig.digest.algorithms:removed-2', 'sig.digest.algorithms'],
  ['verify/identify-caller:sig.key.parameters:removed', 'SCH-08'],
  ['protocol/token/claims:token.auth.aud:removed', 'AUT-03'],
])('%s is among them, and %s can see it', (id, sees) => {
  expect(list.find(one => one.id === id)?.cases['resource']).toContain(sees)
})

const byHand = [
  agentMutants,
  agentServerMutants,
  authServerMutants,
  boundMutants,
  enrolmentMutants,
  gatewayMutants,
  policyMutants,
  resourceMutants,
].flat()

test.each([...new Set(byHand.map(({ file }) => file))])(
  'each mutant written by hand replaces one place of %s',
  file => {
    const built = readFileSync(join(root, 'packages', file), 'utf8')
    const lost = byHand.filter(one => one.file === file && built.split(one.find).length !== 2)
    expect(lost.map(({ lacks, find }) => ({ lacks, find }))).toEqual([])
  },
)

test('the command says what its flags are', async () => {
  const { code, stdout } = await mutants('--help')
  expect(code).toBe(0)
  for (const flag of ['--only', '--group', '--role', '--unseen', '--sample', '--write', '--note'])
    expect(stdout).toContain(`  ${flag} `)
})

test.each([
  [['--onyl', 'sig.headers.tag'], "Unknown option '--onyl'"],
  [['--jobs', 'many'], '--jobs takes a whole number'],
  [['--sample', '0'], '--sample takes a whole number'],
  [['sig.headers.tag'], "Unexpected argument 'sig.headers.tag'"],
])('the flags %j are refused', async (flags, message) => {
  const { code, stdout, stderr } = await mutants(...flags)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(message)
  expect(stderr).toContain('--only ID')
})

test('a sample follows from its seed', () => {
  const ids = (seed: string): string[] => chooseMutants(list, { sample: '12', seed }).map(({ id }) => id)
  expect(ids('1')).toHaveLength(12)
  expect(ids('1')).toEqual(ids('1'))
  expect(ids('1')).not.toEqual(ids('2'))
})
