import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, onTestFinished } from 'vitest'

function makeFolder(): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-test-'))
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** A new folder, removed after the tests of the file. */
export function temporaryFolder(): string {
  const { folder, remove } = makeFolder()
  afterAll(remove)
  return folder
}

/** A new folder, removed after the running test. */
export function folderOfTest(): string {
  const { folder, remove } = makeFolder()
  onTestFinished(remove)
  return folder
}

/** Gives the URL of a new SQLite file at each call. Its folder is removed after the tests of the file. */
export function sqliteFiles(): () => string {
  const folder = temporaryFolder()
  let files = 0
  return () => `sqlite:${join(folder, `${++files}.db`)}`
}

/** The URL of a new SQLite file, removed after the running test. */
export function sqliteOfTest(): string {
  return `sqlite:${join(folderOfTest(), 'test.db')}`
}
