import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Signatures that libsodium must judge before a process uses it. It must make one, too. */
export const tries = 6

/** Counts the signatures that libsodium verifies and makes in processes of the command. */
export interface CountedSodium {
  /** Of the processes that are counted. */
  readonly env: { readonly NODE_OPTIONS: string }
  /** By process id. */
  count(what?: 'verified' | 'made'): ReadonlyMap<number, number>
}

/** @param folder gets the files of it */
export function countedSodium(folder: string): CountedSodium {
  const [hook, record] = [join(folder, 'counted-sodium.cjs'), join(folder, 'counted-sodium.txt')]
  writeFileSync(
    hook,
    `const Module = require('node:module')
    const { appendFileSync } = require('node:fs')
    const load = Module._load
    Module._load = (name, ...more) => {
      const found = load(name, ...more)
      if (name !== 'sodium-native') return found
      return {
        crypto_sign_verify_detached(...of) {
          appendFileSync(${JSON.stringify(record)}, process.pid + ' verified\\n')
          return found.crypto_sign_verify_detached(...of)
        },
        crypto_sign_detached(...of) {
          appendFileSync(${JSON.stringify(record)}, process.pid + ' made\\n')
          return found.crypto_sign_detached(...of)
        },
      }
    }`,
  )
  writeFileSync(record, '')
  return {
    env: { NODE_OPTIONS: `--require=${hook}` },
    count(what = 'verified') {
      const counts = new Map<number, number>()
      for (const line of readFileSync(record, 'utf8').split('\n')) {
        const [pid, done] = line.split(' ')
        if (done === what) counts.set(Number(pid), (counts.get(Number(pid)) ?? 0) + 1)
      }
      return counts
    },
  }
}

/** The environment of a process that does not find the package. @param folder gets a file */
export function withoutSodium(folder: string): { readonly NODE_OPTIONS: string } {
  const hook = join(folder, 'without-sodium.cjs')
  writeFileSync(
    hook,
    `const Module = require('node:module')
    const resolve = Module._resolveFilename
    Module._resolveFilename = (name, ...more) => {
      if (name !== 'sodium-native') return resolve(name, ...more)
      throw Object.assign(new Error("Cannot find module 'sodium-native'"), { code: 'MODULE_NOT_FOUND' })
    }`,
  )
  return { NODE_OPTIONS: `--require=${hook}` }
}
