import { type ChildProcess, execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '@countersign/testing/ports'
import { parse, stringify } from 'yaml'
import { deployText, deployYaml, installScript, nginxHere, service } from './deploy.fixture.js'
import { startNginxWith } from './nginx.fixture.js'
import { end, type Finished, root, type Stand } from './processes.fixture.js'
import { packed } from './reader.fixture.js'

// The stack of compose.yaml as processes of this machine: the same configurations and commands, with loopback in place of names.

const execute = promisify(execFile)
const fixtures = join(root, 'packages/discovery/src/fixtures')
const authority = join(fixtures, 'authority.test.pem')

/** A certificate for localhost, and its key. */
export const certificate: string = join(fixtures, 'server.test.pem')
export const key: string = join(fixtures, 'server.test.key.pem')

const names = ['auth.example', 'agent.example', 'api.example']
const servers = ['auth-1', 'auth-2', 'agents', 'gateway']

/** The stack. Services are named as in compose.yaml, configurations as their files. */
export interface DeployedStack {
  port(service: string): number
  /** Where nginx serves a name of the configurations. */
  origin(name: string): string
  /** The path of a configuration. */
  config(name: string): string
  settings(name: string): Record<string, unknown>
  configure(name: string, settings: object): void
  start(service: string, flags?: readonly string[]): Promise<void>
  /** Stops a server, and returns its exit code. */
  end(service: string): Promise<number | null>
  /** Stops and starts servers, one after the other. */
  restart(...services: string[]): Promise<void>
  startApi(): Promise<void>
  startProxy(): Promise<void>
  /** The command of the image, for the operator and for the agent. */
  countersign(...args: string[]): Promise<Finished>
  stop(): Promise<void>
}

/** Installs the image's packages and writes the configurations; starts nothing. */
export async function deployedStack(
  place: Stand,
  urls: { readonly postgres: string; readonly redis: string },
): Promise<DeployedStack> {
  const ports = new Map<string, number>()
  for (const name of [...servers, ...names, 'api', '']) ports.set(name, await freePort())
  const port = (name: string): number => ports.get(name) ?? 0
  const origin = (name: string): string => `https://localhost:${port(name)}`
  const env = { NODE_EXTRA_CA_CERTS: authority, COUNTERSIGN_DATABASE: urls.postgres }
  const program = await imageHere(place)
  const running = new Map<string, ChildProcess>()
  const config = (name: string): string => join(place.folder, `${name}.yaml`)

  const local = (text: string): string =>
    names
      .reduce((some, name) => some.replaceAll(`https://${name}`, origin(name)), text)
      .replaceAll('redis://redis:6379', urls.redis)
      .replaceAll('http://api:8080', `http://127.0.0.1:${port('api')}`)

  const stack: DeployedStack = {
    port,
    origin,
    config,
    settings(name) {
      return parse(local(stringify({ ...deployYaml(`${name}.yaml`), data: join(place.folder, name) })))
    },
    configure: (name, settings) => writeFileSync(config(name), stringify(settings)),
    async start(name, flags = []) {
      const { command = [] } = service(name)
      const args = command.map(part => part.replace(/^\/etc\/countersign\/(\w+)\.yaml$/, (_, file) => config(file)))
      // Identifiers on loopback are for development only.
      const here = ['--port', String(port(name)), '--development', ...flags]
      running.set(name, await place.start(name, [...args, ...here], { program, env }))
    },
    async end(name) {
      const child = running.get(name)
      if (child === undefined) throw new Error(`${name} does not run`)
      await end(child, 'SIGTERM')
      return child.exitCode
    },
    async restart(...services) {
      for (const name of services) {
        await stack.end(name)
        await stack.start(name)
      }
    },
    async startApi() {
      const { entrypoint = [] } = service('api')
      const listens = `listen(${port('api')}, () => console.log('up'))`
      const api = entrypoint.map(part => part.replace('listen(8080)', listens))
      running.set('api', await place.start('api', [], { program: api, ready: 'up' }))
    },
    async startProxy() {
      const folder = join(place.folder, 'nginx')
      mkdirSync(folder, { recursive: true })
      const portsOf = (some: readonly string[]) => Object.fromEntries(some.map(name => [name, port(name)]))
      const places = { servers: portsOf(servers), names: portsOf(['', ...names]) }
      const file = join(folder, 'nginx.conf')
      writeFileSync(file, nginxHere({ folder, certificate, key, ...places }))
      running.set('nginx', await startNginxWith(file, port('')))
    },
    countersign: (...args) => finished([...program, ...args, '--development'], env),
    async stop() {
      await Promise.all([...running.values()].map(child => end(child, 'SIGTERM')))
    },
  }
  for (const name of ['auth', 'agent', 'gateway']) stack.configure(name, stack.settings(name))
  return stack
}

/** Installs the packages as the Dockerfile does, and returns its entry point. */
async function imageHere(place: Stand): Promise<string[]> {
  const image = join(place.folder, 'image')
  mkdirSync(image, { recursive: true })
  const tarballs = join(place.folder, 'tarballs')
  packed(tarballs)
  const here = (text: string) => text.replaceAll('/opt/countersign', image).replaceAll('/tmp/tarballs', tarballs)
  // Only for speed: what the machine has already is not fetched again.
  const script = here(installScript()).replaceAll('npm install', 'npm install --prefer-offline')
  await execute('sh', ['-ec', script], { cwd: image })
  const [, list = '[]'] = /^ENTRYPOINT (.*)$/m.exec(deployText('Dockerfile')) ?? []
  return (JSON.parse(list) as string[]).map(here)
}

function finished([program = '', ...args]: readonly string[], more: Record<string, string>): Promise<Finished> {
  return new Promise(resolve => {
    execFile(program, args, { env: { ...process.env, ...more } }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    )
  })
}
