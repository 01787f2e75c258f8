import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { required } from '@countersign/testing/services'
import { expect, test } from 'vitest'

// A proxy that is not ours, where there is one.

const program = ['/usr/sbin/nginx', '/usr/bin/nginx'].find(path => {
  try {
    execFileSync(path, ['-v'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})

/** Whether there is an nginx. */
export const there: boolean = program !== undefined
/** Declares a test that needs it. */
export const when: typeof test | typeof test.skip = there ? test : test.skip
/** Ends the name of such a test: why it was skipped. */
export const why: string = there ? '' : ' (skipped: no nginx; apt-get install nginx)'

/** Declares a test that fails if CI requires an nginx and there is none. */
export function requireNginx(): void {
  test('the proxy that CI requires is there', () => {
    expect(there || !required('nginx')).toBe(true)
  })
}

/**
 * Starts one with these lines in its `http` block, and waits until it listens.
 * @param folder for all it writes; made here
 */
export async function startNginx(folder: string, port: number, http: string): Promise<ChildProcess> {
  if (program === undefined) throw new Error('there is no nginx')
  mkdirSync(folder, { recursive: true })
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    name => `${name}_temp_path ${join(folder, name)};`,
  )
  const config = `
    daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
    events { worker_connections 64; }
    http { access_log off; ${temporary.join(' ')} ${http} }`
  writeFileSync(join(folder, 'nginx.conf'), config)
  const child = spawn(program, ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'inherit' })
  await listening(port)
  return child
}

/** What `nginx -t` says of a whole configuration file. */
export function checkNginx(file: string): { readonly ok: boolean; readonly said: string } {
  const { status, stderr } = spawnSync(program ?? '', ['-t', '-c', file, ...asRoot()], { encoding: 'utf8' })
  return { ok: status === 0, said: stderr }
}

/** Starts one with a whole configuration file, and waits until it listens. */
export async function startNginxWith(file: string, port: number): Promise<ChildProcess> {
  if (program === undefined) throw new Error('there is no nginx')
  const child = spawn(program, ['-c', file, ...asRoot('daemon off;')], { stdio: 'inherit' })
  await listening(port)
  return child
}

/** Without it the workers of a root process run as another user, who may not write into a temporary folder. */
function asRoot(directives = ''): string[] {
  const isRoot = process.getuid?.() === 0
  return ['-g', isRoot ? `${directives} user root;` : directives]
}

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (await answers(port)) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error('nginx does not listen')
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false))
    socket.unref()
    setTimeout(() => socket.destroy(), 1000).unref()
  })
}
