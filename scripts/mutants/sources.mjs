// The product's source files, parsed: what the mutants are made of.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { API } from 'typescript/unstable/sync'
import { root } from '../install.mjs'

/** What is no check of the product: tests, data, the suite itself, and the tables that the reasons are described in. */
const others = /\.test\.|\.fixture\.|\.d\.ts$|^packages\/(conformance|vectors)\/|\/reason\//

/** Source files of the packages, relative to the root. */
export function sourceFiles() {
  return execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'packages'], {
    cwd: root,
    encoding: 'utf8',
  })
    .split('\n')
    .filter(file => /^packages\/[^/]+\/src\/.*\.tsx?$/.test(file) && !others.test(file))
    .sort()
}

/** Parses files, and gives them to `read`, by name. Only their syntax counts: nothing that they import is loaded. */
export function readSources(files, read) {
  const config = {
    compilerOptions: { noLib: true, noResolve: true, types: [], jsx: 'react-jsx', module: 'nodenext' },
    files: files.map(file => join(root, file)),
  }
  const tsconfig = join(root, 'tsconfig.mutants.json')
  const api = new API({ cwd: root, fs: overlay({ [tsconfig]: JSON.stringify(config) }) })
  try {
    const [project] = api.updateSnapshot({ openProjects: [tsconfig] }).getProjects()
    return read(new Map(files.map(file => [file, project.program.getSourceFile(join(root, file))])))
  } finally {
    api.close()
  }
}

/** The disk, with some files that are only in memory. */
function overlay(files) {
  return {
    fileExists: name => (name in files ? true : undefined),
    readFile: name => (name in files ? files[name] : undefined),
  }
}
