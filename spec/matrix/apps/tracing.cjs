require('./provider.cjs').startProvider();
