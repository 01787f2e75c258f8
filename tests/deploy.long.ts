import { execFile, spawnSync } from 'node:child_process'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '@countersign/testing/ports'
import { postgresForTests } from '@countersign/testing/postgres'
import { redisForTests } from '@countersign/testing/redis'
import { required } from '@countersign/testing/services'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deployText, nginxHere } from './deploy.fixture.js'
import { certificate, type DeployedStack, deployedStack, key } from './deploy-stack.fixture.js'
import { checkNginx, requireNginx, when as whenNginx, why as withoutNginx } from './nginx.fixture.js'
import { type Finished, type Stand, stand } from './processes.fixture.js'

// The files of deploy/ at work: the programs that read them, and the processes of compose.yaml without containers.

const execute = promisify(execFile)
const postgres = await postgresForTests(1)
const redis = await redisForTests()
const why = postgres.away + redis.away + withoutNginx
const whenAll = why === '' ? test : test.skip

let place: Stand
beforeAll(() => {
  place = stand()
})
afterAll(() => place.stop())

requireNginx()

whenNginx(`nginx accepts nginx.conf, and does not when a directive is misspelt${withoutNginx}`, async () => {
  const folder = join(place.folder, 'nginx-t')
  mkdirSync(folder, { recursive: true })
  const servers = { 'auth-1': 1, 'auth-2': 2, agents: 3, gateway: 4 }
  // Free ones: nginx opens them for the check.
  const names: Record<string, number> = {}
  for (const name of ['', 'auth.example', 'agent.example', 'api.example']) names[name] = await freePort()
  const text = nginxHere({ folder, certificate, key, servers, names })
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, text)
  const { ok, said } = checkNginx(file)
  expect(ok, said).toBe(true)
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
  let stack: DeployedStack
  const began = performance.now()
  let ready = 0

  beforeAll(async () => {
    if (why !== '') return
    stack = await deployedStack(place, { postgres: postgres.newUrl(), redis: redis.url })
    ready = performance.now()
    await stack.startApi()
    // The first start of each; the second instance finds the keys and the database of the first.
    await stack.start('auth-1', ['--init'])
    await stack.start('auth-2')
    await stack.start('agents', ['--init'])
    await stack.start('gateway', ['--init'])
    await stack.startProxy()
  })

  afterAll(() => (why === '' ? stack.stop() : undefined))

  const state = (name: string): string[] => ['--state', join(place.folder, `state-${name}`)]

  /** Makes a new delegate, as the page does. */
  async function enrol(name: string): Promise<void> {
    const invited = await stack.countersign('agent-server', 'invite', '--config', stack.config('agent'))
    expect(invited.code, invited.stderr).toBe(0)
    const { code } = JSON.parse(invited.stdout) as { code: string }
    const enrolled = await stack.countersign('enroll', stack.origin('agent.example'), '--code', code, ...state(name))
    expect(enrolled.code, enrolled.stderr).toBe(0)
  }

  /** A request of a delegate to the API, with a token of the auth server. */
  function orders(name: string, ...more: string[]): Promise<Finished> {
    const authServer = ['--auth-server', stack.origin('auth.example')]
    const delegate = ['--as', 'delegate', '--id', stack.origin('agent.example'), ...authServer, ...state(name)]
    return stack.countersign('fetch', ...delegate, ...more, `${stack.origin('api.example')}/orders`)
  }

  const granted = { code: 0, stdout: 'orders\n' }

  whenAll(`bring an agent to a first granted request through nginx${why}`, async () => {
    await enrol('first')
    const got = await orders('first')
    expect(got, got.stderr).toMatchObject(granted)
    const seconds = (from: number, to: number) => ((to - from) / 1000).toFixed(1)
    const before = `${seconds(began, ready)} s to pack and install`
    console.log(`from nothing to a first granted request: ${seconds(ready, performance.now())} s (and ${before})`)
    // Its twins: what no grant allows asks a user, and a stranger gets nothing.
    expect((await orders('first', '-X', 'POST')).code).toBe(4)
    const stranger = await stack.countersign('fetch', '--as', 'anonymous', `${stack.origin('api.example')}/orders`)
    expect(stranger.code).toBe(1)
  })

  whenAll(`are healthy by the check of the image, which fails where nothing answers${why}`, async () => {
    const [, list = '[]'] = /^HEALTHCHECK [^\n]*\\\n {2}CMD (.*)$/m.exec(deployText('Dockerfile')) ?? []
    const [program = '', ...args] = JSON.parse(list) as string[]
    const check = async (at: number): Promise<string> => {
      const local = args.map(part => part.replace(':8443', `:${at}`))
      return execute(program, local).then(
        () => 'healthy',
        () => 'unhealthy',
      )
    }
    for (const name of ['auth-1', 'auth-2', 'agents', 'gateway'])
      expect(await check(stack.port(name)), name).toBe('healthy')
    expect(await check(await freePort())).toBe('unhealthy')
  })

  whenAll(`serve on while one instance of the auth server is away${why}`, async () => {
    expect(await stack.end('auth-1')).toBe(0)
    const issuer = `${stack.origin('auth.example')}/.well-known/aauth-issuer`
    for (let at = 0; at < 3; at++) expect((await stack.countersign('fetch', '--as', 'anonymous', issuer)).code).toBe(0)
    await stack.start('auth-1')
  })

  const commands = {
    'auth-1': ['auth-server', 'auth'],
    agents: ['agent-server', 'agent'],
    gateway: ['gateway', 'gateway'],
  }
  whenAll.each(Object.entries(commands))(
    `end where they cannot start, with Redis and database open: %s${why}`,
    async (name, [command = '', file = '']) => {
      const port = String(stack.port(name))
      const refused = await stack.countersign(command, '--config', stack.config(file), '--port', port)
      expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining(`port ${port} is in use`)])
    },
  )

  whenAll(`"Compromised resource": no grant is refreshed once the rules are gone${why}`, async () => {
    const settings = { ...stack.settings('auth'), authTokenLifetime: 1 }
    stack.configure('auth', settings)
    await stack.restart('auth-1', 'auth-2')
    await enrol('second')
    expect(await orders('second')).toMatchObject(granted)
    stack.configure('auth', { ...settings, grants: [], ask: [] })
    await stack.restart('auth-1', 'auth-2')
    const refused = await orders('second')
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('policy_refused')])
    stack.configure('auth', stack.settings('auth'))
    await stack.restart('auth-1', 'auth-2')
    expect(await orders('second')).toMatchObject(granted)
  })

  whenAll(
    `"Compromised key": an auth server takes new keys, and only when it is told to${why}`,
    async () => {
      for (const name of ['auth-1', 'auth-2']) await stack.end(name)
      renameSync(join(place.folder, 'auth/keys.json'), join(place.folder, 'auth/stolen-keys.json'))
      await expect(stack.start('auth-1')).rejects.toThrow('--replace-keys')
      await stack.start('auth-1', ['--replace-keys'])
      await stack.restart('auth-1')
      await stack.start('auth-2')
      await enrol('third')
      // Until the gateway reads the new keys.
      await expect.poll(() => orders('third'), { timeout: 120_000, interval: 5000 }).toMatchObject(granted)
    },
    400_000,
  )

  whenAll(
    `"Compromised key": after restore, delegates of an agent server enrol anew${why}`,
    async () => {
      await stack.end('agents')
      const restored = await stack.countersign('agent-server', 'restore', '--config', stack.config('agent'), '--json')
      expect([restored.code, JSON.parse(restored.stdout)]).toEqual([0, expect.objectContaining({ keys: 1 })])
      await stack.start('agents')
      await enrol('fourth')
      await expect.poll(() => orders('fourth'), { timeout: 120_000, interval: 5000 }).toMatchObject(granted)
    },
    400_000,
  )
})
