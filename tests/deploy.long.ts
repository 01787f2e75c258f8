import { type ChildProcess, execFile, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '@countersign/testing/ports'
import { postgresForTests } from '@countersign/testing/postgres'
import { redisForTests } from '@countersign/testing/redis'
import { required } from '@countersign/testing/services'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { deployText, deployYaml, installScript, nginxHere, service } from './deploy.fixture.js'
import { checkNginx, requireNginx, startNginxWith, when as whenNginx, why as withoutNginx } from './nginx.fixture.js'
import { end, type Finished, root, type Stand, stand } from './processes.fixture.js'
import { packed } from './reader.fixture.js'

// The files of deploy/ at work: the programs that read them, and the processes of compose.yaml without containers.

const execute = promisify(execFile)
const postgres = await postgresForTests(1)
const redis = await redisForTests()
const why = postgres.away + redis.away + withoutNginx
const whenAll = why === '' ? test : test.skip

const fixtures = join(root, 'packages/discovery/src/fixtures')
const authority = join(fixtures, 'authority.test.pem')
const certificate = join(fixtures, 'server.test.pem')
const key = join(fixtures, 'server.test.key.pem')

let place: Stand
beforeAll(() => {
  place = stand()
})
afterAll(() => place.stop())

requireNginx()

whenNginx(`nginx accepts nginx.conf, and does not when a directive is misspelt${withoutNginx}`, () => {
  const folder = join(place.folder, 'nginx-t')
  mkdirSync(folder)
  const servers = { 'auth-1': 1, 'auth-2': 2, agents: 3, gateway: 4 }
  const names = { '': 8400, 'auth.example': 8401, 'agent.example': 8402, 'api.example': 8403 }
  const text = nginxHere({ folder, certificate, key, servers, names })
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, text)
  expect(checkNginx(file)).toMatchObject({ ok: true })
  writeFileSync(file, text.replace('proxy_next_upstream_tries', 'proxy_next_upstream_trys'))
  expect(checkNginx(file)).toMatchObject({ ok: false, said: expect.stringContaining('proxy_next_upstream_trys') })
})

describe('the systemd unit', () => {
  const isThere = spawnSync('systemd-analyze', ['--version']).status === 0
  const whenSystemd = isThere ? test : test.skip
  const withoutSystemd = isThere ? '' : ' (skipped: no systemd-analyze; apt-get install systemd)'

  test('systemd is there where it is required', () => {
    expect(isThere || !required('systemd')).toBe(true)
  })

  /** The unit as on a machine, where the command is installed. */
  const unit = (change: (text: string) => string = text => text): string => {
    const folder = join(place.folder, 'units')
    mkdirSync(folder, { recursive: true })
    const file = join(folder, 'countersign@auth-server.service')
    writeFileSync(file, change(deployText('systemd/countersign@.service').replace('/usr/bin/countersign', '/bin/true')))
    return file
  }

  whenSystemd(`has no directive that systemd does not know${withoutSystemd}`, () => {
    const said = (file: string) => {
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' })
      return { status, stderr: stderr.split('\n').filter(line => line.includes('countersign@')) }
    }
    expect(said(unit())).toEqual({ status: 0, stderr: [] })
    const misspelt = said(unit(text => text.replace('ProtectHome=', 'ProtectHomes=')))
    expect(misspelt.stderr.join()).toContain('ProtectHomes')
  })

  whenSystemd(`exposes little: at most 1.5 of 10${withoutSystemd}`, () => {
    const check = (file: string) =>
      spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=15', '--no-pager', file]).status
    expect(check(unit())).toBe(0)
    expect(check(unit(text => text.replace(/^# Hardening[\s\S]*(?=^\[Install\])/m, '')))).not.toBe(0)
  })
})

describe('the processes of compose.yaml, without containers', () => {
  const started: ChildProcess[] = []
  const ports = new Map<string, number>()
  const origins = new Map<string, string>()
  let entryPoint: string[] = []
  const env: Record<string, string> = { NODE_EXTRA_CA_CERTS: authority }
  const began = performance.now()
  let ready = 0

  const origin = (name: string): string => origins.get(name) ?? ''
  const port = (name: string): number => ports.get(name) ?? 0

  beforeAll(async () => {
    if (why !== '') return
    env['COUNTERSIGN_DATABASE'] = postgres.newUrl()
    entryPoint = await imageHere()
    const named = ['auth.example', 'agent.example', 'api.example']
    for (const name of ['auth-1', 'auth-2', 'agents', 'gateway', 'api', '', ...named]) ports.set(name, await freePort())
    for (const name of named) origins.set(name, `https://localhost:${port(name)}`)
    for (const name of ['auth', 'agent', 'gateway']) writeConfig(name)
    ready = performance.now()
    await startApi()
    // The first start of each; the second instance finds the keys and the database of the first.
    await startServer('auth-1', ['--init'])
    await startServer('auth-2')
    await startServer('agents', ['--init'])
    await startServer('gateway', ['--init'])
    await startProxy()
  }, 500_000)

  afterAll(() => Promise.all(started.map(child => end(child, 'SIGTERM'))))

  /** Installs the packages as the Dockerfile does, and returns its entry point. */
  async function imageHere(): Promise<string[]> {
    const image = join(place.folder, 'image')
    mkdirSync(image)
    const tarballs = join(place.folder, 'tarballs')
    packed(tarballs)
    const here = (text: string) => text.replaceAll('/opt/countersign', image).replaceAll('/tmp/tarballs', tarballs)
    // Only for speed: what the machine has already is not fetched again.
    const script = here(installScript()).replaceAll('npm install', 'npm install --prefer-offline')
    await execute('sh', ['-ec', script], { cwd: image })
    const [, list = '[]'] = /^ENTRYPOINT (.*)$/m.exec(deployText('Dockerfile')) ?? []
    return (JSON.parse(list) as string[]).map(here)
  }

  /** A configuration of deploy/ with the names and places of this machine. */
  function writeConfig(name: string): void {
    const settings = deployYaml(`${name}.yaml`)
    const text = stringify({ ...settings, port: undefined, data: join(place.folder, name) })
    const local = [...origins]
      .reduce((some, [site, here]) => some.replaceAll(`https://${site}`, here), text)
      .replaceAll('redis://redis:6379', redis.url)
      .replaceAll('http://api:8080', `http://127.0.0.1:${port('api')}`)
    writeFileSync(configFile(name), local)
  }

  function configFile(name: string): string {
    return join(place.folder, `${name}.yaml`)
  }

  async function startServer(name: string, more: readonly string[] = []): Promise<void> {
    const { command = [] } = service(name)
    const args = command.map(part => part.replace(/^\/etc\/countersign\/(\w+)\.yaml$/, (_, file) => configFile(file)))
    // Identifiers on loopback are for development only: nothing else of the configuration differs.
    const flags = ['--port', String(port(name)), '--development', ...more]
    started.push(await place.start(name, [...args, ...flags], { program: entryPoint, env }))
  }

  async function startApi(): Promise<void> {
    const { entrypoint = [] } = service('api')
    const program = entrypoint.map(part =>
      part.replace('listen(8080)', `listen(${port('api')}, () => console.log('up'))`),
    )
    started.push(await place.start('api', [], { program, ready: 'up' }))
  }

  async function startProxy(): Promise<void> {
    const folder = join(place.folder, 'nginx')
    mkdirSync(folder)
    const servers = Object.fromEntries(['auth-1', 'auth-2', 'agents', 'gateway'].map(name => [name, port(name)]))
    const names = Object.fromEntries(['', ...origins.keys()].map(name => [name, port(name)]))
    const file = join(folder, 'nginx.conf')
    writeFileSync(file, nginxHere({ folder, certificate, key, servers, names }))
    started.push(await startNginxWith(file, port('')))
  }

  async function countersign(...args: string[]): Promise<Finished> {
    const [program = '', ...first] = entryPoint
    return new Promise(resolve => {
      execFile(
        program,
        [...first, ...args],
        { env: { ...process.env, ...env, HOME: place.folder } },
        (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout: out, stderr: err }),
      )
    })
  }

  whenAll(`bring an agent to a first granted request through nginx${why}`, async () => {
    const invited = await countersign('agent-server', 'invite', '--config', configFile('agent'), '--development')
    expect(invited.code, invited.stderr).toBe(0)
    const { code } = JSON.parse(invited.stdout) as { code: string }
    const enrolled = await countersign('enroll', origin('agent.example'), '--code', code, '--development')
    expect(enrolled.code, enrolled.stderr).toBe(0)
    const flags = ['--as', 'delegate', '--id', origin('agent.example'), '--auth-server', origin('auth.example')]
    const orders = `${origin('api.example')}/orders`
    const got = await countersign('fetch', ...flags, '--development', orders)
    expect([got.code, got.stdout], got.stderr).toEqual([0, 'orders\n'])
    const done = performance.now()
    const seconds = (from: number, to: number) => ((to - from) / 1000).toFixed(1)
    console.log(
      `from nothing to a first granted request: ${seconds(ready, done)} s (and ${seconds(began, ready)} s to pack and install)`,
    )
    // Its twin: what no grant allows asks a user, and a stranger gets nothing.
    const asked = await countersign('fetch', ...flags, '--development', '-X', 'POST', orders)
    expect(asked.code, asked.stderr).toBe(4)
    expect((await countersign('fetch', '--as', 'anonymous', '--development', orders)).code).toBe(1)
  })

  whenAll(`are healthy by the check of the image, which fails where nothing answers${why}`, async () => {
    const [, list = '[]'] = /^HEALTHCHECK [^\n]*\\\n {2}CMD (.*)$/m.exec(deployText('Dockerfile')) ?? []
    const [program = '', ...args] = JSON.parse(list) as string[]
    const check = (at: number) =>
      execute(
        program,
        args.map(part => part.replace(':8443', `:${at}`)),
      ).then(
        () => 'healthy',
        () => 'unhealthy',
      )
    for (const name of ['auth-1', 'auth-2', 'agents', 'gateway']) expect(await check(port(name)), name).toBe('healthy')
    expect(await check(await freePort())).toBe('unhealthy')
  })

  whenAll(`serve on while one instance of the auth server is away${why}`, async () => {
    const [, first] = started
    if (first === undefined) throw new Error('nothing was started')
    await end(first, 'SIGTERM')
    expect(first.exitCode).toBe(0)
    for (let at = 0; at < 4; at++) {
      const got = await countersign('fetch', '--as', 'anonymous', `${origin('auth.example')}/.well-known/aauth-issuer`)
      expect(got.code, got.stderr).toBe(0)
    }
    await startServer('auth-1')
    const response = await countersign('fetch', '--as', 'anonymous', '-i', `${origin('auth.example')}/readyz`)
    expect(response.stdout).toContain('200')
  })
})
