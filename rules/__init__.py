"""Text → hits. One YAML file a ground, alarm or review; each rule with its own positive and negative examples."""

from rules.book import Found, Rule, RuleBook

__all__ = ["Found", "Rule", "RuleBook"]
