import type { Reporter, TestModule } from 'vitest/node'
import { isSentence } from './titles.fixture.js'

/** Fails a run in which the title of a test names no subject or no verb: nobody knows what such a test shows. */
export default class TitlesReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const riddles = modules.flatMap(module =>
      [...module.children.allTests()]
        .filter(test => !isSentence(test.fullName))
        .map(test => `  ${module.relativeModuleId}  ${test.fullName.slice(0, 200)}`),
    )
    if (riddles.length === 0) return
    console.error(`\nThese titles of tests need three words and a verb:\n${riddles.join('\n')}`)
    process.exitCode = 1
  }
}
