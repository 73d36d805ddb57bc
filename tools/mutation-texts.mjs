/**
 * For Stryker: leaves texts for people alone. A literal with a space in it is a
 * sentence and never a name; changing one changes no decision. The golden
 * transcripts watch what people read.
 */
import { declareValuePlugin, PluginKind } from "@stryker-mutator/api/plugin";

const SENTENCE = /\S\s+\S/;

const texts = {
  shouldIgnore(path) {
    if (path.isStringLiteral() && SENTENCE.test(path.node.value)) return "a sentence for people";
    if (path.isTemplateLiteral() && path.node.quasis.some(({ value }) => /\s/.test(value.raw)))
      return "a sentence for people";
    return undefined;
  },
};

export const strykerPlugins = [declareValuePlugin(PluginKind.Ignore, "texts-for-people", texts)];
