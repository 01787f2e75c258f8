// Compiles the sources of mutants, each alone, as the build does.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { root } from '../install.mjs'
import { mutated } from './generate.mjs'

const options = {
  target: 'es2023',
  module: 'esnext',
  moduleResolution: 'bundler',
  verbatimModuleSyntax: true,
  jsx: 'react-jsx',
  jsxImportSource: 'hono/jsx',
  noCheck: true,
  noResolve: true,
  skipLibCheck: true,
  types: [],
  rootDir: 'ts',
  outDir: 'js',
}

/**
 * Compiles changed sources, `{ file, text }` each, into a folder. Returns for each where its source and its JavaScript are, and the
 * built file that it stands for.
 */
export function compileSources(sources, folder) {
  const names = sources.map(({ file }, at) => join(String(at), basename(file)))
  for (const [at, { text }] of sources.entries()) {
    mkdirSync(join(folder, 'ts', String(at)), { recursive: true })
    writeFileSync(join(folder, 'ts', names[at]), text)
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, files: names.map(name => join('ts', name)) }),
  )
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  execFileSync(process.execPath, [tsc, '-p', folder], { stdio: ['ignore', 'inherit', 'inherit'] })
  return sources.map(({ file }, at) => ({
    source: join(folder, 'ts', names[at]),
    script: join(folder, 'js', names[at].replace(/\.tsx?$/, '.js')),
    builtFile: file.replace('/src/', '/dist/').replace(/\.tsx?$/, '.js'),
  }))
}

/** The mutants, each with its source and the built file in whose place its JavaScript is loaded. */
export function compileMutants(mutants, folder) {
  const compiled = compileSources(
    mutants.map(mutant => ({ file: mutant.file, text: mutated(mutant) })),
    folder,
  )
  return mutants.map((mutant, at) => {
    const { source, script, builtFile } = compiled[at]
    return { ...mutant, source, built: { [builtFile]: script } }
  })
}
