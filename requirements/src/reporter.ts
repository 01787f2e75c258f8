import type { Reporter, TestModule } from 'vitest/node'
import { requirements } from './manifest.js'

/** Fails a full run in which a requirement of what is built was cited by no passing test. */
export default class RequirementsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const proven = new Set<string>()
    for (const module of modules) {
      for (const test of module.children.allTests('passed')) {
        for (const group of test.fullName.matchAll(/\[([^\]]+)\]/g))
          for (const id of (group[1] ?? '').split(' ')) proven.add(id)
      }
    }
    const built = requirements.filter(r => r.status === 'built')
    const missing = built.filter(r => !proven.has(r.id))
    console.log(
      `\n${built.length - missing.length} of ${built.length} requirements of what is built are proven (${requirements.length - built.length} belong to what is not built yet).`,
    )
    if (missing.length > 0) {
      console.error(`No passing test cites:\n${missing.map(r => `  ${r.id}  ${r.text}`).join('\n')}`)
      process.exitCode = 1
    }
  }
}
