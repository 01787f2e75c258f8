// The tests whose titles cite a requirement: who can see a mutant whose check does not tell when it refuses, such as a bound.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../install.mjs'

/** All tests of the packages whose titles cite ids. */
export function citingTests() {
  return execFileSync('git', ['grep', '-l', 'verifies(', '--', 'packages/*.test.ts'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter(file => file !== '')
    .flatMap(file => citationsIn(readFileSync(join(root, file), 'utf8')).map(one => ({ file, ...one })))
}

function citationsIn(text) {
  return [...text.matchAll(/\bverifies\(\s*((?:'[^']*'\s*,?\s*)+)\)/g)].map(([, list]) => {
    const words = [...list.matchAll(/'([^']*)'/g)].map(([, word]) => word)
    const ids = words.slice(0, -1)
    return { ids, title: `[${ids.join(' ')}] ${words.at(-1)}` }
  })
}
