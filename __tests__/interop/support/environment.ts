/** Nothing listens there: a program that asks for another machine fails, and its test with it. */
const NO_WAY_OUT = 'http://127.0.0.1:9'

/**
 * The environment of servers, peers and runs: a short list, so that no setting of the machine (a proxy, a CA bundle,
 * pip's own configuration) can make a test pass or fail. `home` is a folder of the test.
 */
export function cleanEnvironment(home: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: home,
    XDG_CACHE_HOME: `${home}/.cache`,
    XDG_CONFIG_HOME: `${home}/.config`,
    LANG: 'C.UTF-8',
    PIP_CONFIG_FILE: '/dev/null',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    PIP_NO_INPUT: '1',
    http_proxy: NO_WAY_OUT,
    https_proxy: NO_WAY_OUT,
    no_proxy: 'localhost,127.0.0.1',
  }
}
