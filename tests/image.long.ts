import { type ChildProcess, execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { closeServer, listenOn } from '@countersign/testing/listening'
import { freePort } from '@countersign/testing/ports'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deployText } from './deploy.fixture.js'
import { root, stand } from './processes.fixture.js'
import { packed } from './reader.fixture.js'

// The image of deploy/Dockerfile, built by buildah without a daemon and run without namespaces of its own.

const execute = promisify(execFile)
const [, node = ''] = /^ARG NODE=(\d+)$/m.exec(deployText('Dockerfile')) ?? []
const base = `docker.io/library/node:${node}-slim`

/** Empty, or why the image cannot be built on this machine. */
function away(): string {
  if (spawnSync('buildah', ['--version']).status !== 0) return ' (skipped: no buildah; apt-get install buildah)'
  const pulled = spawnSync('buildah', ['pull', '--policy', 'missing', '--retry', '0', base], { timeout: 120_000 })
  return pulled.status === 0 ? '' : ` (skipped: the base image ${base} is neither here nor to be had)`
}

const why = away()
const place = stand()
const tag = `localhost/countersign-test:${crypto.randomUUID()}`
const isolation = ['--isolation', 'chroot']
/** The limits of this machine: buildah would set higher ones, which only a privileged user may. */
const limits = (): string[] =>
  Object.entries({ nofile: 'Max open files', nproc: 'Max processes' }).flatMap(([name, words]) => {
    const [, most] = new RegExp(`^${words} +\\d+ +(\\d+)`, 'm').exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return most === undefined ? [] : ['--ulimit', `${name}=${most}:${most}`]
  })
let container = ''

/** Settings of npm on this machine that its registry needs, for the builds. */
async function npmHere(): Promise<string[]> {
  const setting = async (name: string) => (await execute('npm', ['config', 'get', name])).stdout.trim()
  const [registry, authority] = [await setting('registry'), await setting('cafile')]
  const file = join(place.folder, 'npmrc')
  const isSet = authority !== 'null' && authority !== ''
  writeFileSync(file, `registry=${registry}\n${isSet ? 'cafile=/etc/npm-authority.pem\n' : ''}`)
  const volumes = [`${file}:/root/.npmrc:ro`, ...(isSet ? [`${authority}:/etc/npm-authority.pem:ro`] : [])]
  return volumes.flatMap(volume => ['--volume', volume])
}

/** The process that others have started for this one. Signals to buildah itself would kill it. */
function startedBy(pid: number): number {
  const children = readdirSync(`/proc/${pid}/task`).flatMap(task =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
  return children[0] === undefined ? pid : startedBy(children[0])
}

/** Stops a server in the image, which must end by itself. */
async function stop(server: ChildProcess): Promise<void> {
  process.kill(startedBy(server.pid ?? 0), 'SIGTERM')
  await once(server, 'exit')
  expect(server.exitCode).toBe(0)
}

/** Runs a program in the image, as its user. */
const inside = (...args: string[]) => execute('buildah', ['run', ...isolation, container, '--', ...args])

describe.skipIf(why !== '')(`the image of deploy/Dockerfile${why}`, () => {
  beforeAll(async () => {
    const context = join(place.folder, 'context')
    mkdirSync(join(context, 'deploy'), { recursive: true })
    packed(join(context, 'tarballs'))
    copyFileSync(join(root, 'deploy/Dockerfile'), join(context, 'deploy/Dockerfile'))
    // The format of Docker: that of OCI has no health check.
    const options = [...isolation, ...limits(), '--format', 'docker', '--tag', tag, ...(await npmHere())]
    await execute('buildah', ['build', ...options, '--file', join(context, 'deploy/Dockerfile'), context])
    container = (await execute('buildah', ['from', ...limits(), '--pull-never', tag])).stdout.trim()
  }, 900_000)
  afterAll(async () => {
    await place.stop()
    if (container !== '') await execute('buildah', ['rm', container])
    spawnSync('buildah', ['rmi', tag])
  })

  test('has the command, and runs it as a user who may write to its data only', async () => {
    expect((await inside('countersign', '--help')).stdout).toContain('auth-server')
    expect((await inside('id', '-u')).stdout).toBe('10001\n')
    const write = (folder: string) => inside('node', '-e', `fs.writeFileSync('${folder}/written', '')`)
    await expect(write('/opt/countersign')).rejects.toThrow('EACCES')
    await write('/var/lib/countersign')
  })

  test('serves as a gateway, is healthy by its own check, and keeps its keys at a restart', async () => {
    const upstream = createServer((_request, response) => response.end('events'))
    const port = await freePort()
    const settings = join(place.folder, 'settings')
    mkdirSync(settings, { recursive: true })
    const config = { id: `http://localhost:${port}`, port, development: true, data: '/var/lib/countersign' }
    const routes = [{ path: '/*', level: 'anonymous' }]
    const api = { upstream: `http://127.0.0.1:${await listenOn(upstream)}`, routes }
    writeFileSync(join(settings, 'gateway.json'), JSON.stringify({ ...config, ...api }))
    const { config: image } = JSON.parse((await execute('buildah', ['inspect', '--type', 'image', tag])).stdout).Docker
    const start = async () => {
      const args = ['run', ...isolation, '--volume', `${settings}:/etc/countersign:ro`, container, '--']
      const server = ['gateway', '--config', '/etc/countersign/gateway.json']
      return place.start('gateway', [...args, ...image.Entrypoint, ...server], { program: ['buildah'] })
    }
    const [, ...check] = image.Healthcheck.Test as string[]
    const checked = () => inside(...check.map(part => part.replace(':8443', `:${port}`)))
    const keys = async () => (await fetch(`${config.id}/.well-known/jwks.json`)).json()

    const first = await start()
    await checked()
    expect(await (await fetch(`${config.id}/orders`)).text()).toBe('events')
    const before = await keys()
    await stop(first)
    await expect(checked()).rejects.toThrow()
    const second = await start()
    expect(await keys()).toEqual(before)
    await stop(second)
    await closeServer(upstream)
  })
})
