import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Finished, Stand } from './processes.fixture.js'
import { packed, project } from './reader.fixture.js'

/** A new user's machine: an empty folder with the packed packages, and a home of its own. */
export interface Walk {
  readonly folder: string
  readonly home: string
  /** The installed command, or another program of the project. */
  run(args: readonly string[], program?: string): Promise<Finished>
}

/** Installs the packed packages beside others from npm. */
export async function walk(place: Stand, others: readonly string[]): Promise<Walk> {
  const folder = join(place.folder, 'project')
  const home = join(place.folder, 'home')
  mkdirSync(home, { recursive: true })
  await project(folder, [...packed(join(place.folder, 'tarballs')).map(({ tarball }) => tarball), ...others])
  return {
    folder,
    home,
    run: (args, program = join(folder, 'node_modules/.bin/countersign')) =>
      new Promise(resolve => {
        const env = { ...process.env, HOME: home, NO_COLOR: '1' }
        execFile(program, args, { cwd: folder, env, timeout: 60_000 }, (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr })
        })
      }),
  }
}
