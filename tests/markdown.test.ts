import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './processes.fixture.js'

// Every TypeScript block in Markdown compiles against the packages as they are; those of the README are also run (samples.long.ts).

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'docs/enrolment.md',
  'docs/gateway.md',
  'docs/mcp.md',
  'docs/telemetry.md',
  'bench/README.md',
  ...readmes('packages'),
  ...readmes('apps'),
  ...readmes('examples'),
]

function readmes(top: string): string[] {
  return readdirSync(root).includes(top)
    ? readdirSync(join(root, top)).flatMap(name =>
        readdirSync(join(root, top, name)).includes('README.md') ? [`${top}/${name}/README.md`] : [],
      )
    : []
}

test('every TypeScript block in Markdown compiles', async () => {
  // Inside the checkout, so that the packages are found as any dependency is.
  const folder = join(root, 'node_modules/.cache/countersign/markdown')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const blocks = pages.flatMap(page =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/^```ts(?: (\S+))?.*\n([\s\S]*?)^```$/gm)].map(
      ([, name, code = ''], index) => ({ page, name: name ?? `${index}.ts`, code }),
    ),
  )
  expect(blocks.length).toBeGreaterThan(5)
  for (const { page, name, code } of blocks) {
    // Blocks with a file name import each other, within their page.
    const place = join(folder, page.replaceAll(/[/.]/g, '-'))
    mkdirSync(place, { recursive: true })
    writeFileSync(join(place, name), `${code}\nexport {}\n`)
  }
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2023',
    strict: true,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*/*.ts'] }))
  const output = await new Promise<string>(resolve => {
    execFile(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], (_, stdout) =>
      resolve(stdout),
    )
  })
  expect(output).toBe('')
}, 60_000)
