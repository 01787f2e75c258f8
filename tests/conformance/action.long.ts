import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@countersign/testing/ports'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { type Finished, root, stand } from '../processes.fixture.js'
import { playedParticipants, siteProgram } from './judged.fixture.js'
import { packSuite } from './packed-suite.fixture.js'
import { siteRoutes } from './site-offers.fixture.mjs'

// The GitHub Action, each of its commands run as a runner runs them: bash, with inputs in the environment alone.

interface Step {
  readonly name?: string
  readonly if?: string
  readonly shell?: string
  readonly env?: Readonly<Record<string, string>>
  readonly run?: string
  readonly uses?: string
  readonly with?: Readonly<Record<string, string>>
}

interface Action {
  readonly name: string
  readonly description: string
  readonly inputs: Readonly<Record<string, { description: string; required?: boolean; default?: string }>>
  readonly outputs: Readonly<Record<string, { description: string; value: string }>>
  readonly runs: { readonly using: string; readonly steps: readonly Step[] }
}

const folder = join(root, 'packages/conformance/action')
const action: Action = parse(readFileSync(join(folder, 'action.yml'), 'utf8'))

const place = stand()
afterAll(() => place.stop())
let suite: string
beforeAll(() => {
  suite = `file:${packSuite(place.folder)}`
})

/** Runs the steps of the action until one fails, and those that run always. */
async function runAction(given: Readonly<Record<string, string>>): Promise<{ steps: Finished[]; temp: string }> {
  const temp = mkdtempSync(join(place.folder, 'runner-'))
  const value = (text: string): string =>
    text.replace(
      /\$\{\{ inputs\.([a-z]+) \}\}/g,
      (_, name: string) => given[name] ?? action.inputs[name]?.default ?? '',
    )
  const runner = {
    RUNNER_TEMP: temp,
    GITHUB_ACTION_PATH: folder,
    GITHUB_OUTPUT: join(temp, 'output'),
    GITHUB_STEP_SUMMARY: join(temp, 'summary'),
    npm_config_offline: 'true',
  }
  const steps: Finished[] = []
  for (const step of action.runs.steps.filter(({ run }) => run !== undefined)) {
    if (steps.some(({ code }) => code !== 0) && step.if !== 'always()') continue
    const own = Object.fromEntries(Object.entries(step.env ?? {}).map(([name, text]) => [name, value(text)]))
    steps.push(await bash(step.run ?? '', { ...runner, ...own }))
  }
  return { steps, temp }
}

function bash(script: string, env: Readonly<Record<string, string>>): Promise<Finished> {
  const child = spawn('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script], {
    cwd: place.folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', chunk => (stdout += String(chunk)))
  child.stderr.on('data', chunk => (stderr += String(chunk)))
  return new Promise(resolve => child.once('exit', code => resolve({ code: code ?? 1, stdout, stderr })))
}

/** A site that is not started yet: the action starts it. */
async function site(): Promise<{ url: string; start: string; config: string }> {
  const participants = await playedParticipants()
  const port = await freePort()
  const config = join(place.folder, `offers-${port}.json`)
  writeFileSync(config, JSON.stringify({ participants, routes: siteRoutes }))
  const authServer = `http://localhost:${participants['authServer']?.port}`
  const start = `'${process.execPath}' '${siteProgram}' node ${port} ${authServer}`
  return { url: `http://localhost:${port}`, start, config }
}

const answers = (url: string): boolean => spawnSync('curl', ['--silent', '--max-time', '2', url]).status === 0

test('the action has the form of a composite action, and no input stands in a script', () => {
  expect(new Set(Object.keys(action))).toEqual(new Set(['author', 'description', 'inputs', 'name', 'outputs', 'runs']))
  expect(action.runs.using).toBe('composite')
  for (const [name, one] of Object.entries(action.inputs)) {
    expect(name).toMatch(/^[a-z]+$/)
    expect(one.description.length).toBeGreaterThan(10)
    for (const member of Object.keys(one)) expect(['description', 'required', 'default']).toContain(member)
  }
  const known = ['name', 'id', 'if', 'shell', 'env', 'run', 'uses', 'with']
  for (const step of action.runs.steps) {
    expect(Object.keys(step).filter(member => !known.includes(member))).toEqual([])
    expect((step.run === undefined) !== (step.uses === undefined)).toBe(true)
    if (step.run !== undefined) expect([step.shell, step.run.includes('${{')]).toEqual(['bash', false])
  }
  const text = readFileSync(join(folder, 'action.yml'), 'utf8')
  const named = [...text.matchAll(/\$\{\{ inputs\.(\w+) \}\}/g)].map(([, name]) => name)
  expect(new Set(named)).toEqual(new Set(Object.keys(action.inputs)))
})

test('it starts the implementation, judges it, keeps the page and stops it', async () => {
  const { url, start, config } = await site()
  const flags = '--group covered --seed 7'
  const { steps, temp } = await runAction({
    role: 'resource',
    url,
    start,
    config,
    flags,
    name: 'A site',
    package: suite,
  })
  expect(steps.map(({ code }) => code)).toEqual([0, 0, 0])
  const found = JSON.parse(readFileSync(join(temp, 'conformance/checks.json'), 'utf8'))
  expect(found).toMatchObject({ name: 'A site', seed: 7, conforms: true })
  expect(existsSync(join(temp, 'conformance/index.html'))).toBe(true)
  expect(readFileSync(join(temp, 'output'), 'utf8')).toBe(`results=${join(temp, 'conformance')}\n`)
  expect(readFileSync(join(temp, 'summary'), 'utf8')).toMatch(
    /^~{12}text\n\d+ passed, 0 failed, [\s\S]*\nlevel core: [\s\S]*\nconforms\n\n~{12}\n$/,
  )
  expect(answers(url)).toBe(false)
})

test('it fails where the implementation does not conform, and stops it all the same', async () => {
  const { url, start, config } = await site()
  const strange = join(place.folder, 'strange.json')
  writeFileSync(
    strange,
    JSON.stringify({ ...JSON.parse(readFileSync(config, 'utf8')), routes: ['identified GET /no'] }),
  )
  const flags = '--only COV-01'
  const { steps, temp } = await runAction({ role: 'resource', url, start, config: strange, flags, package: suite })
  expect(steps.map(({ code }) => code)).toEqual([0, 1, 0])
  expect(readFileSync(join(temp, 'summary'), 'utf8')).toMatch(
    /^FAILED +COV-01[\s\S]*\n1\. It answers 404 [\s\S]*\ndoes not conform\n\n~{12}\n$/m,
  )
  expect(answers(url)).toBe(false)
})

test.each([
  ['ends', 'echo "no such setting" >&2; exit 1'],
  ['does not listen', 'echo "no such setting" >&2; sleep 60'],
])('it says why where the command %s', async (_, start) => {
  const url = `http://localhost:${await freePort()}`
  const { steps } = await runAction({ role: 'resource', url, start, wait: '2', package: suite })
  const [started, stopped] = steps
  expect([steps.length, started?.code, stopped?.code]).toEqual([2, 1, 0])
  expect(started?.stdout).toContain('::error::the implementation does not answer at its URL\nno such setting\n')
})

test('it judges an agent by its command', async () => {
  const config = join(place.folder, 'agent.json')
  const participants = { authServer: { port: await freePort() }, otherAuthServer: { port: await freePort() } }
  writeFileSync(config, JSON.stringify({ participants }))
  // It signs nothing, so that it does not pass; each call of it leaves a line.
  const calls = join(place.folder, 'calls.txt')
  const agent = `echo "$1" >> '${calls}'; curl --silent --fail --output /dev/null "$1"`
  const flags = '--only sig.covered.always'
  const { steps, temp } = await runAction({ role: 'agent', agent, config, flags, package: suite })
  expect(steps.map(({ code }) => code)).toEqual([0, 1, 0])
  expect(readFileSync(calls, 'utf8')).toMatch(/^(http:\/\/localhost:\d+\/\S*\n)+$/)
  const { subject } = JSON.parse(readFileSync(join(temp, 'conformance/checks.json'), 'utf8'))
  expect(subject).toContain('bash -c')
})

test('the workflow of the docs gives the action inputs that it has', () => {
  const page = readFileSync(join(root, 'docs/conformance.md'), 'utf8')
  const [, sample = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? []
  const { jobs } = parse(sample) as { jobs: Record<string, { 'runs-on': string; steps: Step[] }> }
  const steps = Object.values(jobs).flatMap(job => job.steps)
  const [own, ...others] = steps.filter(({ uses }) => uses?.startsWith('countersign-dev/') === true)
  expect(others).toEqual([])
  const [path] = own?.uses?.replace('countersign-dev/countersign/', '').split('@') ?? []
  expect(existsSync(join(root, path ?? '', 'action.yml'))).toBe(true)
  const given = Object.keys(own?.with ?? {})
  expect(given.filter(name => !(name in action.inputs))).toEqual([])
  const required = Object.entries(action.inputs).flatMap(([name, one]) => (one.required === true ? [name] : []))
  expect(given).toEqual(expect.arrayContaining(required))
})

test('without another one, the suite is that of the version beside the action', () => {
  mkdirSync(join(place.folder, 'bin'), { recursive: true })
  const npx = join(place.folder, 'bin/npx')
  writeFileSync(npx, '#!/bin/sh\necho "$@"\n', { mode: 0o755 })
  const env = { ...process.env, PATH: `${join(place.folder, 'bin')}:${process.env['PATH']}` }
  const judging = action.runs.steps.find(({ name }) => name === 'Judge it')?.run ?? ''
  const given = {
    ROLE: 'resource',
    URL: 'http://localhost:1',
    AGENT: '',
    CONFIG: 'o.json',
    NAME: '',
    FLAGS: '--slow',
    PACKAGE: '',
  }
  const runner = {
    RUNNER_TEMP: place.folder,
    GITHUB_ACTION_PATH: folder,
    GITHUB_OUTPUT: '/dev/null',
    GITHUB_STEP_SUMMARY: '/dev/null',
  }
  const { stdout } = spawnSync('bash', ['-eo', 'pipefail', '-c', judging], {
    env: { ...env, ...given, ...runner },
    encoding: 'utf8',
  })
  const { version } = JSON.parse(readFileSync(join(root, 'packages/conformance/package.json'), 'utf8'))
  const out = join(place.folder, 'conformance')
  expect(stdout).toBe(
    `--yes @countersign/conformance@${version} resource --out ${out} --config o.json --slow http://localhost:1\n`,
  )
})
