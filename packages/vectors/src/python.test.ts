import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { folderOfTest } from '@countersign/testing/folders'
import { required } from '@countersign/testing/services'
import { describe, expect, test } from 'vitest'
import { readVectors, readWorld, type Vector, vectorKinds } from './index.js'

const own = fileURLToPath(new URL('..', import.meta.url))
const hasPython = required('python') || spawnSync('python3', ['-c', 'import cryptography']).status === 0

describe.skipIf(!hasPython)(
  'an implementation in Python (skipped without python3 and its package cryptography)',
  () => {
    test('agrees with every vector', () => {
      const printed = execFileSync('python3', [join(own, 'python/run.py')], { encoding: 'utf8' })
      const kinds = [...vectorKinds].map(kind => ({ kind, count: readVectors(kind).length }))
      const recipes = vectorKinds.flatMap((kind): readonly Vector[] => readVectors(kind)).filter(isFixed).length
      expect(recipes).toBeGreaterThan(100)
      expect(printed.trim().split('\n')).toEqual([
        ...kinds.map(({ kind, count }) => `${kind}: ${count} of ${count} vectors agree`),
        `recipes: ${recipes} of ${recipes} come out the same`,
      ])
    })

    test('says so where it does not agree', () => {
      const folder = folderOfTest()
      for (const part of ['python', 'json']) cpSync(join(own, part), join(folder, part), { recursive: true })
      const file = join(folder, 'json/signed-requests.json')
      const content = JSON.parse(readFileSync(file, 'utf8')) as { vectors: Array<{ expect: { result: string } }> }
      const at = content.vectors.findIndex(vector => vector.expect.result === 'refuse')
      content.vectors[at] = { ...content.vectors[at], expect: { result: 'accept' } }
      writeFileSync(file, JSON.stringify(content))
      const run = spawnSync('python3', [join(folder, 'python/run.py'), 'signed-requests'], { encoding: 'utf8' })
      expect(run.status).toBe(1)
      expect(run.stdout).toContain('expected')
    })
  },
)

/** Whether a vector has a recipe whose signature holds no random part. */
function isFixed({ made }: Vector): boolean {
  if (made === undefined) return false
  const recipe = made as { key?: string; token?: { key: string }; proof?: { key: string } }
  const key = recipe.token?.key ?? recipe.proof?.key ?? recipe.key ?? ''
  return readWorld().keys[key]?.['kty'] === 'OKP'
}
