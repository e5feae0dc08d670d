// GitHub's own reading of action.yml, the workflows and the examples. Prints what it finds; exit code 1 where there is any.
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

// The package imports JSON files without the attribute that Node.js demands.
registerHooks({
  load: (url, context, next) =>
    url.endsWith('.json')
      ? { format: 'module', source: `export default ${readFileSync(fileURLToPath(url), 'utf8')}`, shortCircuit: true }
      : next(url, context),
})
const { registerLogger, validate } = await import('@actions/languageservice')
const { TextDocument } = await import('vscode-languageserver-textdocument')

/** What the examples name: this action, and the workflow that a company copies from examples/. */
const placeholders = {
  actionsMetadataProvider: {
    // An action without inputs stands for one that is not looked up.
    fetchActionMetadata: async ({ owner, name }) =>
      `${owner}/${name}` === 'octo-org/publish-python-mtls' ? parse(readFileSync('action.yml', 'utf8')) : {},
  },
  fileProvider: {
    getFileContent: async ({ owner, repository, path: file }) => {
      const here = `${owner}/${repository}` === 'octo-org/workflows' ? `examples/${path.basename(file)}` : file
      return { name: here, content: readFileSync(here, 'utf8') }
    },
  },
}

let found = 0
function report(message) {
  console.log(message)
  found += 1
}

// The service logs a fault of its own and then reports no finding: that file would count as checked.
const ignore = () => {}
registerLogger({ error: report, warn: ignore, info: ignore, log: ignore })
for (const file of process.argv.slice(2)) {
  const document = TextDocument.create(`file:///${file}`, 'yaml', 0, readFileSync(file, 'utf8'))
  for (const { message, range } of await validate(document, placeholders)) {
    report(`${file}:${range.start.line + 1}: ${message}`)
  }
}
process.exit(found === 0 ? 0 : 1)
